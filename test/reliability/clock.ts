/** The time of day jumps by a day, forth and back, while films flow. No hook in the appliance: libc's clock is moved (clock.c). */
import { spawnSync } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { judge } from "./judge.ts";
import { idle, type Outcome, type Piece, type Section, type Task } from "./section.ts";
import { Stand } from "./stand.ts";

const STEPS = 200;
const SETTLE_MS = 120_000;
/** After a step, a film that is put in then has its result within this. */
const RESULT_MS = 60_000;
const HOUR_S = 3600;
const OFFSETS_S = [0, 24 * HOUR_S, -24 * HOUR_S, 48 * HOUR_S, -48 * HOUR_S];
const TOLERANCE_S = 600;
const SOURCE = join(import.meta.dirname, "clock.c");

export const CLOCK: Section = {
  name: "clock",
  title:
    "The clock is set forth and back by a day while films flow; results go on and are all delivered and sealed, in order.",
  unit: "steps",
  pieces: (amount = STEPS): readonly Piece[] => [{ name: "steps of a day", amount, run: runClock }],
};

/** The appliance's time of day; others keep theirs. */
class MovedClock {
  readonly env: Readonly<Record<string, string>>;
  readonly #file: number;

  constructor(folder: string) {
    const [library, path] = [join(folder, "clock.so"), join(folder, "clock-offset")];
    const built = spawnSync("cc", ["-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], { encoding: "utf8" });
    if (built.status !== 0) throw new Error(`cc ended with ${built.status}: ${built.stderr}`);
    this.#file = openSync(path, "w");
    this.set(0);
    this.env = { LD_PRELOAD: library, CLOCK_OFFSET_FILE: path };
  }

  set(offsetS: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(offsetS) * 1_000_000_000n);
    writeSync(this.#file, bytes, 0, bytes.length, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

export async function runClock(task: Task): Promise<Outcome> {
  const { seed, folder, signal, amount, progress } = task;
  const clock = new MovedClock(folder);
  const stand = await Stand.open({ folder, seed, env: clock.env });
  const late: string[] = [];
  try {
    await stand.plugIn();
    await stand.start(signal);
    let offsetS = 0;
    for (let step = 1; step <= amount; step++) {
      signal.throwIfAborted();
      const before = offsetS;
      offsetS = stand.seeded.pick(OFFSETS_S.filter((other) => Math.abs(other - before) === 24 * HOUR_S));
      for (let i = stand.seeded.below(4); i > 0; i--) await stand.putOne();
      clock.set(offsetS);
      late.push(...(await resultAfter(stand, step, offsetS)));
      await sleep(stand.seeded.below(1500));
      progress(step);
    }
    clock.set(0);
    await stand.settle(SETTLE_MS, signal);
    await stand.stop();
    const evidence = stand.evidence();
    const { observer } = stand;
    const told = { "steps that it told": observer.count("event clock-step") };
    return {
      counts: {
        ...{
          steps: amount,
          films: evidence.good.length,
          results: evidence.stored.length,
          seals: observer.seals.length,
        },
        ...told,
      },
      findings: [...late, ...judge(evidence), ...idle(told)],
    };
  } finally {
    await stand.close();
    clock.close();
  }
}

/** One that is put in now has a result of now, by the clock as it is set. */
async function resultAfter(stand: Stand, step: number, offsetS: number): Promise<string[]> {
  const { name } = await stand.putOne();
  const until = performance.now() + RESULT_MS;
  for (;;) {
    const came = stand.observer.arrived.find(({ reference }) => reference === name);
    if (came !== undefined || performance.now() > until) {
      return timeFindings(`step ${step} to ${offsetS} s`, came?.utcMs, Date.now() + offsetS * 1000);
    }
    await sleep(20);
  }
}

/** @param utcMs undefined where there was no result in time. Exported to be tested */
export function timeFindings(step: string, utcMs: number | undefined, expectedMs: number): string[] {
  if (utcMs === undefined) return [`${step}: no result within ${RESULT_MS / 1000} s`];
  const offS = Math.round((utcMs - expectedMs) / 1000);
  return Math.abs(offS) < TOLERANCE_S ? [] : [`${step}: the result's time is off by ${offS} s`];
}
