/**
 * kill -9 of the appliance, again and again over the whole journey: at any moment, while it starts, and right when
 * something is seen from outside to happen (a message on the line, an acknowledgement, a write to the database, a file put
 * away). And where there is a compiler, before or in the middle of the so-manyth of its operations on files (test/power).
 */
import { once } from "node:events";
import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { missingPrograms } from "../../host/device/testing/firmware.ts";
import { buildShim } from "../power/shim.ts";
import { judge } from "./judge.ts";
import type { Outcome, Piece, Section, Task } from "./section.ts";
import { Stand } from "./stand.ts";

const CYCLES = 1000;
/** A piece is judged at its end, and a long run that is broken off goes on with the next. */
const CYCLES_A_PIECE = 100;
/** Of every second piece: reached after some 200 results, so that there are kills while old ones are removed. */
const SMALL_STORE = { store: { maxBytes: 2 ** 20 } };
const SETTLE_MS = 180_000;
/** What is waited for may not happen: then it is killed anyway. */
const MOMENT_MS = 20_000;
const BAD_SHARE = 0.25;
/** After what was seen, up to this much later. */
const AFTER_MS = 6;

const SEEN = ["any", "start", "published", "acknowledged", "stored", "kept", "refused"] as const;
const EXACT = ["before an operation", "within an operation"] as const;
type Moment = (typeof SEEN)[number] | (typeof EXACT)[number];
/** A start has some 20 operations, every film about 10 more: half of these kills are among the first 60. */
const OPERATIONS_MAX = 500;

export const KILLS: Section = {
  name: "kills",
  title:
    "The appliance is ended by kill -9 while films flow; no result is lost, none is there twice, no store is damaged.",
  unit: "cycles",
  pieces: (amount = CYCLES) =>
    Array.from({ length: Math.ceil(amount / CYCLES_A_PIECE) }, (_, i): Piece => {
      const cycles = Math.min(CYCLES_A_PIECE, amount - i * CYCLES_A_PIECE);
      return { name: "cycles", amount: cycles, run: runKills };
    }),
};

export async function runKills({ seed, amount, folder, signal, progress }: Task): Promise<Outcome> {
  const stand = await Stand.open({ folder, seed, settings: seed % 2 === 0 ? SMALL_STORE : {} });
  try {
    await stand.plugIn();
    const startMs = await firstStart(stand, signal);
    const shim = missingPrograms("cc").length === 0 ? buildShim() : undefined;
    const moments: readonly Moment[] = shim === undefined ? SEEN : [...SEEN, ...EXACT, ...EXACT];
    const killed: Partial<Record<string, number>> = {};
    for (let cycle = 1; cycle <= amount; cycle++) {
      signal.throwIfAborted();
      const moment = stand.seeded.pick(moments);
      const seen = await killOnce(stand, { moment, startMs, shim }, signal);
      const name = seen ? `killed: ${moment}` : "killed: what was waited for did not come";
      killed[name] = (killed[name] ?? 0) + 1;
      progress(cycle);
    }
    await stand.start(signal);
    await stand.settle(SETTLE_MS, signal);
    await stand.stop();
    const evidence = stand.evidence();
    const { length: results } = evidence.arrived;
    const { redelivered, seals } = stand.observer;
    const files = { films: evidence.good.length, "files that are none": evidence.bad.length };
    return {
      counts: {
        ...{ kills: amount, ...files, results, seals: seals.length, redelivered, ...sorted(killed) },
        "results removed by the retention policy": evidence.prunedThrough,
      },
      findings: judge(evidence),
    };
  } finally {
    await stand.close();
  }
}

/** @returns how long it takes until it talks to the broker */
async function firstStart(stand: Stand, signal: AbortSignal): Promise<number> {
  const beganMs = performance.now();
  await stand.start(signal);
  const startMs = Math.round(performance.now() - beganMs);
  await stand.stop();
  return startMs;
}

interface Kill {
  readonly moment: Moment;
  readonly startMs: number;
  /** The library that kills at an operation. */
  readonly shim: string | undefined;
}

const isAnyTime = (moment: Moment) => moment === "any" || moment === "start";
const isExact = (moment: Moment) => (EXACT as readonly Moment[]).includes(moment);

/** @returns whether the moment came */
async function killOnce(stand: Stand, { moment, startMs, shim }: Kill, signal: AbortSignal): Promise<boolean> {
  for (let i = stand.seeded.below(4); i > 0; i--) await stand.putOne(BAD_SHARE);
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal, AbortSignal.timeout(MOMENT_MS + startMs)]);
  const exact = isExact(moment) && shim !== undefined;
  const seen = exact ? undefined : comingOf(stand, moment, startMs, until);
  await stand.spawn(exact ? exactly(stand, moment, shim) : {});
  const feeding = feed(stand, moment, until);
  const came = await Promise.race([
    seen ?? stand.appliance.ended,
    once(until, "abort").then(() => Promise.reject()),
  ]).then(
    () => true,
    () => false,
  );
  over.abort();
  await feeding;
  if (!exact && !isAnyTime(moment)) await sleep(stand.seeded.below(AFTER_MS));
  await stand.kill();
  return came;
}

function exactly({ seeded, dataDir }: Stand, moment: Moment, shim: string): Record<string, string> {
  const at = Math.ceil(OPERATIONS_MAX ** seeded.next() * 1.5);
  const mode = `${moment === "within an operation" ? "torn" : "kill"}@${at}`;
  return { LD_PRELOAD: shim, POWER_DIR: dataDir, POWER_MODE: mode };
}

/** What makes the moment come: files while it runs, too. */
async function feed(stand: Stand, moment: Moment, until: AbortSignal): Promise<void> {
  if (moment === "start") return;
  const online = stand.line.next("connect", until).catch(() => {});
  if (moment === "refused") stand.put(stand.maker.bad());
  else await stand.putOne();
  await online;
  while (!until.aborted) {
    await stand.putOne(moment === "refused" ? 1 : BAD_SHARE);
    await sleep(stand.seeded.below(300), undefined, { signal: until }).catch(() => {});
  }
}

/** Resolves at the moment. @throws what `until` says */
function comingOf(stand: Stand, moment: Moment, startMs: number, until: AbortSignal): Promise<unknown> {
  const { seeded, line, inbox, dataDir } = stand;
  switch (moment) {
    case "any":
    case "before an operation":
    case "within an operation":
      return sleep(seeded.below(startMs * 2.5), undefined, { signal: until });
    case "start":
      return sleep(seeded.below(startMs), undefined, { signal: until });
    case "published":
      return line.next("publish", until);
    case "acknowledged":
      return line.next("puback", until);
    case "stored":
      return nextChange(dataDir, (name) => name === "results.db-wal", 1 + seeded.below(8), until);
    case "kept":
      return nextChange(join(inbox, "processed"), (name) => name !== "", 1 + seeded.below(4), until);
    case "refused":
      return nextChange(join(inbox, "quarantine"), (name) => name !== "", 1 + seeded.below(4), until);
  }
}

/** The so-manyth change of a file in `folder`. */
async function nextChange(
  folder: string,
  isIt: (name: string) => boolean,
  times: number,
  until: AbortSignal,
): Promise<void> {
  let watcher: FSWatcher | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let left = times;
      watcher = watch(folder, (_, name) => {
        if (isIt(name ?? "") && --left === 0) resolve();
      });
      watcher.on("error", reject);
      until.addEventListener("abort", () => reject(until.reason), { once: true });
    });
  } finally {
    watcher?.close();
  }
}

function sorted(counts: Partial<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts)
      .map(([name, count]) => [name, count ?? 0])
      .sort(),
  );
}
