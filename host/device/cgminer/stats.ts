/**
 * What an Antminer S9 says in `stats`, `summary` and `pools`, as the one form of all miners.
 *
 * Boards and fans stand in numbered slots of which most are empty, and the first one in use is not the same on all
 * models (boards 6 to 8 and fans 3 and 6 on most S9): every slot is looked at.
 */
import { Fields, type NumberRule } from "../axeos/fields.ts";
import { type MinerReading, readingOf } from "../axeos/reading.ts";
import { redactedJson } from "../axeos/redact.ts";
import type { Rows } from "./reply.ts";

export interface Chain {
  /** 1…16, as the miner counts. */
  readonly slot: number;
  readonly chips: number;
  readonly rateGhs: number | null;
  readonly boardTempC: number | null;
  readonly chipTempC: number | null;
  readonly hardwareErrors: number | null;
}

export interface Answers {
  readonly stats: Rows;
  /** Empty where it was not answered. */
  readonly summary: Rows;
  readonly pools: Rows;
}

export interface CgminerReading extends MinerReading {
  /** Boards in use. */
  readonly chains: readonly Chain[];
}

const SLOTS = Array.from({ length: 16 }, (_, index) => index + 1);
/** Of BM1387 on each board of an S9 (pyasic, device/models/antminer/X9/S9.py). */
const S9_CHIPS = 63;
const S9_CHAINS = 3;
const TEXT_NUMBERS = { numbersAsText: true } as const;
const TEMP: NumberRule = { min: 0, max: 200, none: [0, -1] };
const RPM: NumberRule = { min: 0, max: 60_000 };
const GHS: NumberRule = { min: 0, max: 1e6 };
const COUNT: NumberRule = { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true };

/** Never throws: of what makes no sense nothing is known. */
export function readAntminer(answers: Answers): CgminerReading {
  const stats = new Fields(statsRow(answers.stats), TEXT_NUMBERS);
  const summary = new Fields(answers.summary[0] ?? {}, TEXT_NUMBERS);
  const about = new Fields(answers.stats[0] ?? {}, TEXT_NUMBERS);
  const chains = readChains(stats);
  const model = about.text(["Type"]);
  const known = {
    tempC: highest(chains.map((chain) => chain.chipTempC)) ?? stats.number(["temp_max"], TEMP),
    boardTempC: highest(chains.map((chain) => chain.boardTempC)),
    fanRpm: slowestFan(stats),
    frequencyMhz: stats.number(["frequency"], { min: 1, max: 5_000 }),
    hashrateGhs: stats.number(["GHS 5s"], GHS) ?? summary.number(["GHS 5s"], GHS),
    hashrateLongGhs: stats.number(["GHS av"], GHS) ?? summary.number(["GHS av"], GHS),
    expectedGhs: stats.number(["total_rateideal"], { ...GHS, none: [0] }),
    errorPercent: stats.number(["Device Hardware%"], { min: 0, max: 100 }),
    chipsMissing: chipsMissing(model, chains),
    uptimeS: stats.number(["Elapsed"], COUNT) ?? summary.number(["Elapsed"], COUNT),
    sharesAccepted: summary.number(["Accepted"], COUNT),
    sharesRejected: summary.number(["Rejected"], COUNT),
    bestDifficulty: summary.suffixed("Best Share", { min: 0, max: 1e24 }),
    ...readPools(answers.pools),
    asicModel: model?.startsWith("Antminer S9") ? "BM1387" : null,
    model,
    firmware: about.text(["Miner", "BMMiner", "CGMiner"]),
  };
  const fields = [stats, summary, about];
  const reading = readingOf({
    ...known,
    oddities: fields.flatMap((one) => one.oddities).slice(0, 32),
    oddityCount: fields.reduce((sum, one) => sum + one.oddityCount, 0),
    raw: redactedJson(answers),
  });
  return { ...reading, chains };
}

/** The row with the figures; before it there is one that only names the firmware. */
function statsRow(rows: Rows): unknown {
  return rows.find((row) => Object.hasOwn(row, "Elapsed")) ?? {};
}

function readChains(stats: Fields): readonly Chain[] {
  return SLOTS.flatMap((slot) => {
    const chips = stats.number([`chain_acn${slot}`], { min: 0, max: 1_000, whole: true });
    if (chips === null || chips === 0) return [];
    return {
      slot,
      chips,
      rateGhs: stats.number([`chain_rate${slot}`], GHS),
      boardTempC: stats.number([`temp${slot}`], TEMP),
      chipTempC: stats.number([`temp2_${slot}`], TEMP),
      hardwareErrors: stats.number([`chain_hw${slot}`], COUNT),
    };
  });
}

function highest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** Empty slots are 0 like fans that stand still: `fan_num` tells how many there should be. */
function slowestFan(stats: Fields): number | null {
  const speeds = SLOTS.map((slot) => stats.number([`fan${slot}`], RPM)).filter((speed) => speed !== null);
  if (speeds.length === 0) return null;
  const turning = speeds.filter((speed) => speed > 0);
  const expected = stats.number(["fan_num"], { min: 1, max: 16, whole: true }) ?? 1;
  return turning.length < Math.min(expected, speeds.length) ? 0 : Math.min(...turning);
}

function chipsMissing(model: string | null, chains: readonly Chain[]): number | null {
  if (!model?.startsWith("Antminer S9")) return null;
  const there = chains.reduce((sum, chain) => sum + Math.min(chain.chips, S9_CHIPS), 0);
  return S9_CHIPS * S9_CHAINS - there;
}

/** The pool of the lowest priority number is the first choice. */
function readPools(rows: Rows): Pick<MinerReading, "fallbackPool" | "firstPool" | "poolDifficulty"> {
  const pools = rows.map((row) => new Fields(row, TEXT_NUMBERS));
  const active = pools.find((pool) => pool.flag("Stratum Active") === true);
  const priorities = pools.map((pool) => pool.number(["Priority"], COUNT));
  const own = active?.number(["Priority"], COUNT) ?? null;
  const first = priorities.every((priority) => priority !== null) ? Math.min(...priorities) : null;
  const chosen = pools.find((_, index) => first !== null && priorities[index] === first);
  const [address, user] = [chosen?.text(["URL"]) ?? null, chosen?.text(["User"]) ?? null];
  return {
    firstPool: address === null && user === null ? null : { address, user },
    fallbackPool: own === null || first === null ? null : own > first,
    poolDifficulty: active?.suffixed("Diff", { min: 0, max: 1e24, none: [0] }) ?? null,
  };
}
