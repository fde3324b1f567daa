/** What any miner says of itself, in one form: stock and newer AxeOS, and cgminer. */
import type { Oddity } from "./fields.ts";

export interface RejectReason {
  readonly message: string;
  readonly count: number;
}

/** As set, which need not be the one that is worked for. */
export interface FirstPool {
  readonly address: string | null;
  /** For us, the worker name. */
  readonly user: string | null;
}

/**
 * One reading. It is the miner's own word; what it really does is known from verified shares.
 *
 * `null` is "not known": the miner does not say, says something impossible, or has no such sensor. 0 is only ever a
 * 0 that the miner reported and that can be true.
 */
export interface MinerReading {
  /** Of the hottest chip, or the sensor that the board takes for it. */
  readonly tempC: number | null;
  /** Of the board, where it has a sensor of its own. */
  readonly boardTempC: number | null;
  readonly vrTempC: number | null;
  /** Input power where the board has a meter; otherwise the firmware's estimate. */
  readonly powerW: number | null;
  readonly inputMv: number | null;
  readonly currentMa: number | null;
  /** As measured. */
  readonly coreMv: number | null;
  /** As set. */
  readonly coreSetMv: number | null;
  /** At which the chips run; as set where the firmware does not say. */
  readonly frequencyMhz: number | null;
  readonly hashrateGhs: number | null;
  /** Averaged over ten minutes or longer. */
  readonly hashrateLongGhs: number | null;
  /** What frequency and core count promise. */
  readonly expectedGhs: number | null;
  /** Of the slowest fan; 0 is a fan that stands still. */
  readonly fanRpm: number | null;
  /** How hard the fan is driven. */
  readonly fanPercent: number | null;
  readonly sharesAccepted: number | null;
  readonly sharesRejected: number | null;
  readonly rejectReasons: readonly RejectReason[] | null;
  /** Best share ever. */
  readonly bestDifficulty: number | null;
  /** Nonces that did not verify, of all. */
  readonly errorPercent: number | null;
  readonly uptimeS: number | null;
  readonly resetReason: string | null;
  readonly freeHeapB: number | null;
  readonly rssiDbm: number | null;
  readonly wifiStatus: string | null;
  readonly poolDifficulty: number | null;
  /** Round trip to the pool. */
  readonly poolMs: number | null;
  /** Whether it works for its second pool. */
  readonly fallbackPool: boolean | null;
  /** The pool that it is to work for first. */
  readonly firstPool: FirstPool | null;
  readonly miningPaused: boolean | null;
  /** Whether the firmware stopped mining because of heat. */
  readonly overheated: boolean | null;
  /** A fault of power or hardware, in the firmware's words; null where it reports none. */
  readonly fault: string | null;
  /** Chips that should be there and are not. */
  readonly chipsMissing: number | null;
  readonly asicModel: string | null;
  readonly model: string | null;
  readonly boardVersion: string | null;
  readonly firmware: string | null;
  readonly hostname: string | null;
  /** Lower case, with colons. */
  readonly mac: string | null;
  /** What the miner said and cannot be: at most 32 are named, `oddityCount` counts all. */
  readonly oddities: readonly Oddity[];
  readonly oddityCount: number;
  /** The answer as JSON without its secrets; null if it is longer than 32 KiB. */
  readonly raw: string | null;
}

const UNKNOWN: MinerReading = {
  tempC: null,
  boardTempC: null,
  vrTempC: null,
  powerW: null,
  inputMv: null,
  currentMa: null,
  coreMv: null,
  coreSetMv: null,
  frequencyMhz: null,
  hashrateGhs: null,
  hashrateLongGhs: null,
  expectedGhs: null,
  fanRpm: null,
  fanPercent: null,
  sharesAccepted: null,
  sharesRejected: null,
  rejectReasons: null,
  bestDifficulty: null,
  errorPercent: null,
  uptimeS: null,
  resetReason: null,
  freeHeapB: null,
  rssiDbm: null,
  wifiStatus: null,
  poolDifficulty: null,
  poolMs: null,
  fallbackPool: null,
  firstPool: null,
  miningPaused: null,
  overheated: null,
  fault: null,
  chipsMissing: null,
  asicModel: null,
  model: null,
  boardVersion: null,
  firmware: null,
  hostname: null,
  mac: null,
  oddities: [],
  oddityCount: 0,
  raw: null,
};

/** A reading in which everything but `known` is unknown. */
export function readingOf(known: Partial<MinerReading>): MinerReading {
  return { ...UNKNOWN, ...known };
}

/** What a health message holds of a text. */
const TEXT_CHARS = 64;

/** What is known, flat, as health messages carry it: unknown is absent, texts are cut to 64 characters. */
export function knownOf(reading: MinerReading): Record<string, number | boolean | string> {
  const { oddityCount, raw: _, rejectReasons, ...values } = reading;
  const known: Record<string, number | boolean | string> = {};
  for (const [name, value] of Object.entries({ ...values, rejectReasons: joined(rejectReasons) })) {
    if (typeof value === "string") known[name] = cut(value);
    else if (typeof value === "number" || typeof value === "boolean") known[name] = value;
  }
  return oddityCount === 0 ? known : { ...known, oddityCount };
}

function joined(reasons: readonly RejectReason[] | null): string | null {
  if (reasons === null || reasons.length === 0) return null;
  return reasons.map(({ message, count }) => `${message}: ${count}`).join(", ");
}

/** No half of a character is left at the end. */
function cut(text: string): string {
  return text.slice(0, TEXT_CHARS).replace(/[\ud800-\udbff]$/, "");
}
