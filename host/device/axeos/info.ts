/**
 * `GET /api/system/info` of every AxeOS from v2.1.8 to v2.15, of LVXX, and of the maker's stock firmware.
 *
 * The fields decide, never the version: forks number themselves as they like. Names and units are from the sources
 * of ESP-Miner (main/http_server), BitsForPeople/ESP-Miner-LVXX and Luckyminer888/LV07-Miner.
 */
import { AxeosError } from "./errors.ts";
import { cleanText, Fields, isRecord, type NumberRule } from "./fields.ts";
import { readFirstPool } from "./pool-setting.ts";
import { type MinerReading, type RejectReason, readingOf } from "./reading.ts";
import { redactedJson } from "./redact.ts";

/** Whoever answers draws power, has an input voltage and a temperature: 0 is a sensor that is not there. */
const TEMP: NumberRule = { min: 0, max: 200, none: [-1, 0] };
const POWER_W: NumberRule = { min: 0.1, max: 10_000, none: [0] };
const INPUT_MV: NumberRule = { min: 1_000, max: 60_000, none: [0] };
const CURRENT_MA: NumberRule = { min: 20, max: 1_000_000, none: [0] };
const CORE_MV: NumberRule = { min: 100, max: 20_000, none: [0] };
const MHZ: NumberRule = { min: 1, max: 5_000, none: [0] };
const PERCENT: NumberRule = { min: 0, max: 100 };
const COUNT: NumberRule = { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true };
const SECONDS: NumberRule = { min: 0, max: 2 ** 32, whole: true };
const RPM: NumberRule = { min: 0, max: 60_000, none: [-1] };
const DIFFICULTY: NumberRule = { min: 0, max: 1e24 };
const GHS: NumberRule = { min: 0, max: 1e6 };
/** Up to 1 PH/s, where the field is in H/s. */
const HS: NumberRule = { min: 0, max: 1e15 };
/** From here on a figure cannot be GH/s: the whitepaper's appendix A gives 500 GH/s as 500000000000. */
const LEAST_HS = 1e9;
const REASONS_MAX = 16;
const MAC = /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i;

/**
 * Reads the answer's text.
 *
 * @throws AxeosError AXEOS_REPLY if it is not a JSON object
 */
export function parseInfo(text: string): MinerReading {
  return readInfo(parseObject(text));
}

/** @throws AxeosError AXEOS_REPLY if it is not a JSON object */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AxeosError("AXEOS_REPLY", `The miner answered with no JSON: "${cleanText(text).slice(0, 40)}"`, {
      cause: error,
    });
  }
  if (isRecord(value)) return value;
  throw new AxeosError("AXEOS_REPLY", "The miner answered with JSON that is no object");
}

/** Never throws: of what makes no sense nothing is known. */
export function readInfo(info: unknown): MinerReading {
  const fields = new Fields(info);
  const reading = {
    ...readPower(fields),
    ...readRates(fields),
    ...readShares(fields),
    ...readSystem(fields),
    ...readIdentity(fields),
    firstPool: readFirstPool(info),
  };
  return readingOf({
    ...reading,
    oddities: fields.oddities,
    oddityCount: fields.oddityCount,
    raw: redactedJson(info),
  });
}

function readPower(fields: Fields): Partial<MinerReading> {
  const temps = ["temp", "temp2"].map((name) => fields.number([name], TEMP)).filter((temp) => temp !== null);
  // The maker's firmware writes the speed as `fanSpeed`; in others that would be the drive in percent.
  const stock = fields.has("minerModel") || fields.has("initMiner");
  return {
    tempC: temps.length === 0 ? null : Math.max(...temps),
    boardTempC: fields.number(["boardtemp1", "boardtemp2"], TEMP),
    vrTempC: fields.number(["vrTemp"], TEMP),
    powerW: fields.number(["power"], POWER_W),
    inputMv: fields.number(["voltage", "voltagei"], INPUT_MV),
    currentMa: fields.number(["current"], CURRENT_MA),
    coreMv: fields.number(["coreVoltageActual"], CORE_MV),
    coreSetMv: fields.number(["coreVoltage"], CORE_MV),
    fanRpm: fields.number(stock ? ["fanrpm", "fanSpeedRpm", "fanSpeed"] : ["fanrpm", "fanSpeedRpm"], RPM),
    fanPercent: fields.number(["fanspeed"], PERCENT),
  };
}

function readRates(fields: Fields): Partial<MinerReading> {
  const frequencyMhz = fields.number(["actualFrequency", "frequency"], MHZ);
  const cores = fields.number(["smallCoreCount"], { min: 1, max: 100_000, whole: true });
  const chips = fields.number(["asicCount"], { min: 1, max: 1_000, whole: true });
  const counted = frequencyMhz === null || cores === null || chips === null ? null : frequencyMhz * cores * chips;
  return {
    frequencyMhz,
    hashrateGhs: readHashrate(fields),
    hashrateLongGhs: fields.number(["hashRate_10m", "hashRate_1h"], GHS),
    // Before v2.8 the firmware does not say, but counts its chips.
    expectedGhs:
      fields.number(["expectedHashrate"], { ...GHS, none: [0] }) ?? (counted === null ? null : counted / 1_000),
    errorPercent: fields.number(["errorPercentage"], PERCENT),
  };
}

function readHashrate(fields: Fields): number | null {
  const figure = fields.number(["hashRate"], HS);
  if (figure !== null && figure >= LEAST_HS) return figure / 1e9;
  return figure === null ? null : fields.number(["hashRate"], GHS);
}

function readShares(fields: Fields): Partial<MinerReading> {
  return {
    sharesAccepted: fields.number(["sharesAccepted"], COUNT),
    sharesRejected: fields.number(["sharesRejected"], COUNT),
    rejectReasons: readReasons(fields),
    // Text up to v2.10, a number from v2.11 on.
    bestDifficulty: fields.suffixed("bestDiff", DIFFICULTY),
    poolDifficulty: fields.number(["poolDifficulty", "stratumDiff"], { ...DIFFICULTY, none: [0] }),
    poolMs: fields.number(["responseTime"], { min: 0, max: 600_000 }),
    fallbackPool: fields.flag("isUsingFallbackStratum"),
  };
}

function readReasons(fields: Fields): readonly RejectReason[] | null {
  const list = fields.list("sharesRejectedReasons");
  if (list === null) return null;
  return list.slice(0, REASONS_MAX).flatMap((item) => {
    const reason = new Fields(item);
    const message = reason.text(["message"]);
    const count = reason.number(["count"], COUNT);
    return message === null || count === null ? [] : [{ message, count }];
  });
}

function readSystem(fields: Fields): Partial<MinerReading> {
  return {
    uptimeS: fields.number(["uptimeSeconds"], SECONDS),
    resetReason: fields.text(["resetReason"]),
    freeHeapB: fields.number(["freeHeap"], { ...COUNT, min: 1, none: [0] }),
    rssiDbm: fields.number(["wifiRSSI"], { min: -127, max: -1, none: [0] }),
    wifiStatus: fields.text(["wifiStatus"]),
    miningPaused: fields.flag("miningPaused"),
    overheated: fields.flag("overheat_mode"),
    fault: fields.text(["hardware_fault", "power_fault"]),
  };
}

function readIdentity(fields: Fields): Partial<MinerReading> {
  const mac = fields.text(["macAddr"]);
  return {
    asicModel: fields.text(["ASICModel"]),
    model: fields.text(["minerModel", "deviceModel"]),
    boardVersion: fields.text(["boardVersion"]),
    firmware: fields.text(["version"]),
    hostname: fields.text(["hostname"]),
    mac: mac !== null && MAC.test(mac) ? mac.toLowerCase().replaceAll("-", ":") : null,
  };
}
