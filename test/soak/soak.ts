/**
 * The appliance at mixed faults with the project's own fake miners (simulated): in the end every result is sealed, every
 * receipt is valid, and nothing was delayed, lost or counted that was no work.
 */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "../../host/base/error.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { type Fault, LINE_FAULTS, type LineFault, planOf, type WorldFault } from "./plan.ts";
import { reportOf, type SoakReport } from "./report.ts";
import { World } from "./world.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Emptied, and left with what the appliance kept. */
  readonly folder: string;
  readonly say: (line: string) => void;
}

const FILM_EVERY_MS = [500, 3500] as const;
const PROGRESS_MS = 5000;
const DRAIN_MS = 90_000;
const COUNT_MS = 15_000;

/** @throws Error where something does not even start, or not again */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { folder, seconds, seed } = options;
  rmSync(folder, { recursive: true, force: true });
  const awayMs = Math.min(30_000, 30 * seconds);
  const world = await World.open({ folder, seeded: new Seeded(seed), awayMs });
  try {
    const faults = await siege(world, options);
    const unrest = await quiet(world);
    const counts = await judgeCounts(world);
    const ended = await world.stopAppliance();
    return reportOf(world, options, Object.fromEntries(faults), [...unrest, ...counts, ...ended]);
  } finally {
    await world.close();
  }
}

/** Films and faults for as long as was asked. */
async function siege(world: World, { seconds, seed, say }: SoakOptions): Promise<Map<Fault, number>> {
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  const done = new Map<Fault, number>();
  const seeded = new Seeded(seed + 1);
  const over = new AbortController();
  const progress = setInterval(() => say(progressOf(world, elapsedMs(), done)), PROGRESS_MS);
  const films = filmsUntil(over.signal, world, seeded);
  let serial = Promise.resolve();
  const strangers: Promise<void>[] = [];
  try {
    for (const { atMs, fault } of planOf(seconds, seeded)) {
      await sleep(Math.max(0, atMs - elapsedMs()));
      const count = () => done.set(fault, (done.get(fault) ?? 0) + 1);
      if (fault === "stranger") strangers.push(world.miners.stranger().then(() => void count()));
      else if (isLineFault(fault)) world.miners.suffer(fault) && count();
      else serial = serial.then(() => world.suffer(fault as WorldFault)).then(() => void count());
    }
    await Promise.all([serial, ...strangers]);
    await sleep(Math.max(0, seconds * 1000 - elapsedMs()));
  } finally {
    clearInterval(progress);
    over.abort();
    await films;
  }
  return done;
}

const isLineFault = (fault: Fault): fault is LineFault => (LINE_FAULTS as readonly Fault[]).includes(fault);

async function filmsUntil(signal: AbortSignal, world: World, seeded: Seeded): Promise<void> {
  const [least, most] = FILM_EVERY_MS;
  while (!signal.aborted) {
    await world.film();
    await sleep(least + seeded.below(most - least), undefined, { signal }).catch(() => {});
  }
}

/** All films answered, all results sealed, all messages out. @returns what is not, at the deadline */
async function quiet(world: World): Promise<string[]> {
  const { observer, films } = world;
  const isQuiet = () => {
    const { health } = world;
    if (health === undefined) return false;
    const answered = new Set(observer.of("result").map(({ data }) => data.reference));
    const last = observer.received.findLastIndex(({ kind }) => kind === "result");
    // The first one may have been on its way before the last result.
    const since = observer.received.slice(last).filter(({ kind }) => kind === "health").length;
    const sealed = since > 1 && health.sealing.waiting + health.outbox.rows === 0;
    return sealed && [...films.keys()].every((name) => answered.has(name));
  };
  return observer.until("quiet end", DRAIN_MS, isQuiet).then(
    () => [],
    (error: unknown) => [errorMessage(error)],
  );
}

/** The pool counts what its miners were told; what was under way when a connection broke may be counted or not. */
async function judgeCounts(world: World): Promise<string[]> {
  const { book, miners, observer } = world;
  miners.stop();
  const wrong = () =>
    miners.workers.flatMap((worker) => {
      const counted = world.health?.miners.find((miner) => miner.worker === worker)?.proven?.accepted ?? 0;
      const { accepted, unanswered } = book.of(worker);
      const right = counted >= accepted && counted <= accepted + unanswered;
      return right
        ? []
        : [`the pool counts ${counted} shares of ${worker}, not ${accepted} to ${accepted + unanswered}`];
    });
  await observer.until("count", COUNT_MS, () => wrong().length === 0).catch(() => {});
  return [...wrong(), ...book.findings, ...miners.violations];
}

function progressOf(world: World, elapsedMs: number, faults: ReadonlyMap<Fault, number>): string {
  const { health } = world;
  const results = world.observer.of("result").length;
  const count = [...faults.values()].reduce((sum, each) => sum + each, 0);
  return [
    `${Math.round(elapsedMs / 1000)} s`,
    `${world.films.size} films, ${results} results`,
    `${health?.sealing.seals ?? "?"} seals, ${health?.sealing.waiting ?? "?"} waiting`,
    `${world.book.verified} shares verified, ${world.book.findings.length} findings`,
    `${count} faults`,
    `${Math.round((health?.process.rssBytes ?? 0) / 2 ** 20)} MiB`,
  ].join(" · ");
}
