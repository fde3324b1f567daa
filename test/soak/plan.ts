/** What goes wrong when: drawn from a seed, each kind at least once however short the run. */
import type { Seeded } from "../../host/device/testing/seeded.ts";

/** On one miner's connection. */
export const LINE_FAULTS = [
  "cut",
  "half-line",
  "stall",
  "drip",
  "duplicate",
  "stale",
  "forged",
  "long-extranonce",
  "unknown-bits",
  "foreign",
] as const;
export type LineFault = (typeof LINE_FAULTS)[number];

/** To everything; one at a time. */
export type WorldFault = "broker-restart" | "kill" | "restart" | "miners-away" | "burst";
export type Fault = LineFault | WorldFault | "stranger";

export interface Planned {
  readonly atMs: number;
  readonly fault: Fault;
}

/** Mean distance in a long run, in s. */
const EVERY_S: Readonly<Record<Fault, number>> = {
  cut: 30,
  "half-line": 40,
  stall: 40,
  drip: 15,
  duplicate: 6,
  stale: 10,
  forged: 5,
  "long-extranonce": 20,
  "unknown-bits": 20,
  foreign: 10,
  stranger: 4,
  "broker-restart": 240,
  kill: 200,
  restart: 600,
  "miners-away": 240,
  burst: 120,
};
/** Only in the first half: the second is one life of the appliance, long enough to see whether its memory grows. */
const ENDING: ReadonlySet<Fault> = new Set(["kill", "restart"]);
const SERIAL: readonly Fault[] = ["broker-restart", "kill", "restart", "miners-away", "burst"];
/** The last part of a run has no faults. */
const [FROM, UNTIL] = [0.04, 0.9];

export function planOf(seconds: number, seeded: Seeded): Planned[] {
  const timesOf = (fault: Fault) => {
    const part = ENDING.has(fault) ? 0.5 : 1;
    return Math.max(1, Math.round((seconds * part) / EVERY_S[fault]));
  };
  const at = (part: number, until: number) => seconds * 1000 * (FROM + part * (until - FROM));
  const single = (Object.keys(EVERY_S) as Fault[])
    .filter((fault) => !SERIAL.includes(fault))
    .flatMap((fault) => Array.from({ length: timesOf(fault) }, () => ({ atMs: at(seeded.next(), UNTIL), fault })));
  const serial = (ends: boolean) => {
    const faults = SERIAL.filter((fault) => ENDING.has(fault) === ends);
    const all = shuffled(
      faults.flatMap((fault) => new Array<Fault>(timesOf(fault)).fill(fault)),
      seeded,
    );
    return all.map((fault, i) => ({ atMs: at((i + 0.5) / all.length, ends ? 0.5 : UNTIL), fault }));
  };
  return [...single, ...serial(true), ...serial(false)].sort((a, b) => a.atMs - b.atMs);
}

function shuffled<T>(items: readonly T[], seeded: Seeded): T[] {
  return items
    .map((item) => ({ item, at: seeded.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
