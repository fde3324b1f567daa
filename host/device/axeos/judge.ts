/**
 * Judges a miner from what it says and from what was verified: a pure state machine under a given clock.
 *
 * Every look at the miner is an observation. Each alarm has a finding (`bad`, `good`, `between` two limits, or
 * `unknown`) and is raised or cleared when a finding has lasted. What is not known changes nothing.
 */
import { LASTING, type MinerAlarmCode } from "./alarms.ts";
import type { Limits } from "./limits.ts";
import type { MinerReading } from "./reading.ts";

/** What was verified of this miner's work, by the bridge. */
export interface ProvenWork {
  /** When its last valid share came, or since when it should hash if none has come since. */
  readonly sinceMs: number;
  /** Mean wait for a share at its present difficulty, from its own shares; null while there are too few. */
  readonly meanMs: number | null;
  /** Of the shares that it is to send; null where it has never asked for any. */
  readonly difficulty: number | null;
  /** From its shares; null while there are too few. */
  readonly hashrateGhs: number | null;
}

export interface Observation {
  /** On a clock that never goes back. */
  readonly nowMs: number;
  /** null: it did not answer. */
  readonly reading: MinerReading | null;
  /** Whether it has work from us and was not told to pause: else it may well stand still. */
  readonly shouldHash: boolean;
  /** null: nothing is expected of it. */
  readonly proven: ProvenWork | null;
  /** Whether it is set to another pool than ours, and does not work for ours; null: not known. */
  readonly elsewhere: boolean | null;
}

type Finding = "bad" | "good" | "between" | "unknown";

interface Track {
  readonly raised: boolean;
  /** Since when the finding speaks against `raised`, without a break; null if it does not. */
  readonly againstSinceMs: number | null;
}

/** Shares lately, older ones counting less and less. */
interface RecentShares {
  readonly accepted: number;
  readonly rejected: number;
}

/** As last reported; null before it ever was. */
interface LastKnown {
  readonly accepted: number | null;
  readonly rejected: number | null;
  readonly uptimeS: number | null;
  /** When it last answered. */
  readonly atMs: number | null;
  readonly pool: string | null;
  /** When it was seen to be set to another pool; null after the restart that follows. */
  readonly poolSetMs: number | null;
}

export interface JudgeState {
  readonly tracks: ReadonlyMap<MinerAlarmCode, Track>;
  readonly last: LastKnown;
  readonly recent: RecentShares;
}

/** True: it holds. False: it does not. Absent: not known yet. As `nextAlarms` of the health room takes it. */
export type MinerConditions = Readonly<Partial<Record<MinerAlarmCode, boolean>>>;

export const NOT_JUDGED: JudgeState = {
  tracks: new Map(),
  last: { accepted: null, rejected: null, uptimeS: null, atMs: null, pool: null, poolSetMs: null },
  recent: { accepted: 0, rejected: 0 },
};

/** Shares that count, in effect; with fewer than `LEAST_SHARES` the rejected share says little. */
const RECENT_SHARES = 200;
const LEAST_SHARES = 50;
/** Uptime is in whole seconds, and answers may overtake each other by some. */
const UPTIME_SLACK_S = 5;
/** What follows a new pool setting within this time follows from it: a restart may take two minutes. */
const POOL_SET_MS = 180_000;
/** ESP-IDF's ESP_RST_SW in ESP-Miner's words. A panic is a software reset too, but nobody asked for it. */
const ASKED_FOR = /esp_restart/;
const HASHES_OF_DIFFICULTY_1 = 2 ** 32;
/** Of what is expected: less is not hashing. */
const STANDSTILL = 0.01;
/** Far enough that chance (12 % at 64 shares) does not explain it. */
const PROVEN_LEAST = 0.5;
const CODES = Object.keys(LASTING) as readonly MinerAlarmCode[];

export function judge(
  state: JudgeState,
  observation: Observation,
  limits: Limits,
): { readonly state: JudgeState; readonly conditions: MinerConditions } {
  const recent = recentShares(state, observation.reading);
  const findings = findAll(observation, limits, recent, restartedByItself(state, observation));
  const tracks = new Map(state.tracks);
  const conditions: Partial<Record<MinerAlarmCode, boolean>> = {};
  for (const code of CODES) {
    const next = follow(tracks.get(code), findings[code], observation.nowMs, code);
    if (next === undefined) continue;
    tracks.set(code, next);
    conditions[code] = next.raised;
  }
  return { state: { tracks, last: lastOf(state, observation), recent }, conditions };
}

function follow(before: Track | undefined, finding: Finding, nowMs: number, code: MinerAlarmCode): Track | undefined {
  // A gap in knowledge breaks what was lasting, and leaves the alarm as it was.
  if (finding === "unknown" || finding === "between") return before && { raised: before.raised, againstSinceMs: null };
  const raised = before?.raised ?? false;
  if ((finding === "bad") === raised) return { raised, againstSinceMs: null };
  const sinceMs = before?.againstSinceMs ?? nowMs;
  const neededMs = raised ? LASTING[code].clearMs : LASTING[code].raiseMs;
  return nowMs - sinceMs >= neededMs ? { raised: !raised, againstSinceMs: null } : { raised, againstSinceMs: sinceMs };
}

function findAll(
  observation: Observation,
  limits: Limits,
  recent: RecentShares,
  byItself: boolean,
): Readonly<Record<MinerAlarmCode, Finding>> {
  const { reading, shouldHash, proven, elsewhere } = observation;
  const of = (find: (reading: MinerReading) => Finding): Finding => (reading === null ? "unknown" : find(reading));
  const whileHashing = (find: (reading: MinerReading) => Finding) => (shouldHash ? of(find) : "good");
  return {
    MINER_OFFLINE: reading === null ? "bad" : "good",
    MINER_NOT_HASHING: whileHashing((it) => standsStill(it, limits)),
    MINER_SLOW: whileHashing((it) => slow(it, limits)),
    MINER_OVERSTATES: whileHashing((it) => overstates(it, proven)),
    MINER_NO_SHARE: shouldHash ? silent(observation, limits) : "good",
    MINER_CHIP_HOT: of((it) => (it.overheated ? "bad" : above(it.tempC, limits.tempHotC, limits.tempCoolC))),
    MINER_VR_HOT: of((it) => above(it.vrTempC, limits.vrHotC, limits.vrCoolC)),
    MINER_FAN: of(fan),
    MINER_VOLTAGE: of((it) => below(it.inputMv, limits.inputLowMv, limits.inputGoodMv)),
    MINER_REJECTS: above(rejectedOf(recent), limits.rejectsAbove, limits.rejectsClear),
    MINER_REJECTS_MANY: above(rejectedOf(recent), limits.rejectsManyAbove, limits.rejectsManyClear),
    MINER_RESTARTED: of(() => (byItself ? "bad" : "good")),
    MINER_FALLBACK: of((it) => known(it.fallbackPool)),
    MINER_ELSEWHERE: known(elsewhere),
    MINER_FAULT: of((it) => known(it.fault !== null)),
    MINER_CHIPS: of((it) => (it.chipsMissing === null ? "unknown" : known(it.chipsMissing > 0))),
  };
}

function known(bad: boolean | null): Finding {
  return bad === null ? "unknown" : bad ? "bad" : "good";
}

/** Bad from `bad` on upwards, good below `good`. */
function above(value: number | null, bad: number | null, good: number | null): Finding {
  if (value === null || bad === null || good === null) return "unknown";
  return value >= bad ? "bad" : value < good ? "good" : "between";
}

/** Bad below `bad`, good from `good` on upwards. */
function below(value: number | null, bad: number | null, good: number | null): Finding {
  if (value === null || bad === null || good === null) return "unknown";
  return value < bad ? "bad" : value >= good ? "good" : "between";
}

/** Firmware goes on showing its last hashrate after it has switched its chips off: power tells. */
function standsStill(it: MinerReading, limits: Limits): Finding {
  if (it.miningPaused || it.overheated) return "bad";
  if (it.powerW !== null && limits.chipsOffW !== null && it.powerW < limits.chipsOffW) return "bad";
  return it.hashrateGhs === null ? "unknown" : known(it.hashrateGhs <= (it.expectedGhs ?? 0) * STANDSTILL);
}

function slow(it: MinerReading, limits: Limits): Finding {
  const rate = it.hashrateLongGhs ?? it.hashrateGhs;
  if (rate === null || it.expectedGhs === null || it.expectedGhs === 0) return "unknown";
  return below(rate / it.expectedGhs, limits.slowBelow, limits.slowClear);
}

function overstates(it: MinerReading, proven: ProvenWork | null): Finding {
  const claimed = it.hashrateLongGhs ?? it.hashrateGhs;
  if (claimed === null || proven === null || proven.hashrateGhs === null) return "unknown";
  return known(proven.hashrateGhs < claimed * PROVEN_LEAST);
}

function silent({ nowMs, reading, proven }: Observation, limits: Limits): Finding {
  if (proven === null) return "unknown";
  const { sinceMs, meanMs, difficulty } = proven;
  const promisedMs = (difficulty ?? 0) * (HASHES_OF_DIFFICULTY_1 / 1e6 / (reading?.expectedGhs ?? limits.nominalGhs));
  const longestMs =
    meanMs === null
      ? Math.max(limits.unprovenTimes * promisedMs, limits.unprovenLeastMs)
      : Math.max(limits.noShareTimes * meanMs, limits.noShareLeastMs);
  return known(nowMs - sinceMs >= longestMs);
}

/** A fan that is told to stand still may. */
function fan(it: MinerReading): Finding {
  return it.fanRpm === null ? "unknown" : known(it.fanRpm === 0 && it.fanPercent !== 0);
}

function rejectedOf({ accepted, rejected }: RecentShares): number | null {
  return accepted + rejected < LEAST_SHARES ? null : rejected / (accepted + rejected);
}

/** Counters start again at 0 after a restart or another pool: then what they show is new. */
function recentShares({ last, recent }: JudgeState, reading: MinerReading | null): RecentShares {
  const accepted = reading?.sharesAccepted ?? null;
  const rejected = reading?.sharesRejected ?? null;
  if (accepted === null || rejected === null || last.accepted === null || last.rejected === null) return recent;
  const again = accepted < last.accepted || rejected < last.rejected;
  const newAccepted = again ? accepted : accepted - last.accepted;
  const newRejected = again ? rejected : rejected - last.rejected;
  const keep = Math.exp(-(newAccepted + newRejected) / RECENT_SHARES);
  return { accepted: recent.accepted * keep + newAccepted, rejected: recent.rejected * keep + newRejected };
}

/** Setting another pool takes a restart, and whoever did the one asked for the other. */
function restartedByItself({ last }: JudgeState, { nowMs, reading }: Observation): boolean {
  if (!hasRestarted(last, reading) || hasNewPool(last, reading)) return false;
  const { poolSetMs, atMs } = last;
  const justSet = poolSetMs !== null && (poolSetMs === atMs || nowMs - poolSetMs <= POOL_SET_MS);
  return !(justSet && ASKED_FOR.test(reading?.resetReason ?? "esp_restart"));
}

function hasRestarted(last: LastKnown, reading: MinerReading | null): boolean {
  const uptimeS = reading?.uptimeS ?? null;
  return uptimeS !== null && last.uptimeS !== null && uptimeS + UPTIME_SLACK_S < last.uptimeS;
}

function hasNewPool(last: LastKnown, reading: MinerReading | null): boolean {
  const pool = poolOf(reading);
  return pool !== null && last.pool !== null && pool !== last.pool;
}

function poolOf(reading: MinerReading | null): string | null {
  const pool = reading?.firstPool ?? null;
  return pool === null ? null : JSON.stringify([pool.address, pool.user]);
}

function lastOf({ last }: JudgeState, { nowMs, reading }: Observation): LastKnown {
  if (reading === null) return last;
  const poolSetMs = hasNewPool(last, reading) ? nowMs : last.poolSetMs;
  return {
    accepted: reading.sharesAccepted ?? last.accepted,
    rejected: reading.sharesRejected ?? last.rejected,
    uptimeS: reading.uptimeS ?? last.uptimeS,
    atMs: nowMs,
    pool: poolOf(reading) ?? last.pool,
    poolSetMs: hasRestarted(last, reading) ? null : poolSetMs,
  };
}
