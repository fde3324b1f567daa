/**
 * The hashing device at its worst while films flow: unplugged, hung, lying, its supply breaking down. A device only checks
 * and seals: every film's result must be the one that `lv06 infer` gives of the same film. The device is simulated.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { openStored } from "../stored.ts";
import { judge } from "./judge.ts";
import { Liar } from "./liar.ts";
import { idle, type Outcome, type Piece, type Section, type Task } from "./section.ts";
import { REAL, STAND_IN, Stand } from "./stand.ts";

const SECONDS = 600;
const SETTLE_MS = 180_000;
const FILM_EVERY_MS = [200, 900] as const;
const LV06 = resolve(import.meta.dirname, "../../lv06");
/** `lv06 infer` takes this many at once. */
const FILES_AT_ONCE = 500;
const SHOWN = 5;
/** A shorter run does not take the time that the real model needs. */
const LONG_S = 60;

type Trouble = (stand: Stand, task: Task) => Promise<Record<string, number>>;

const PIECES: Readonly<Record<string, Trouble>> = { unplugged, hung, lying, "brown-outs": brownOuts };

export const DEVICE: Section = {
  name: "device",
  title:
    "The device (simulated) is unplugged, hangs, lies, or its supply breaks down every few seconds while films flow; every film has the result that `lv06 infer` gives.",
  unit: "seconds each",
  pieces: (amount = SECONDS) =>
    Object.entries(PIECES).map(([name, trouble]): Piece => ({ name, amount, run: (task) => runDevice(task, trouble) })),
};

export const runBrownOuts = (task: Task): Promise<Outcome> => runDevice(task, brownOuts);
export const runLying = (task: Task): Promise<Outcome> => runDevice(task, lying);

async function runDevice(task: Task, trouble: Trouble): Promise<Outcome> {
  const { seed, folder, signal, amount } = task;
  const model = amount >= LONG_S ? REAL : STAND_IN;
  const stand = await Stand.open({ folder, seed, settings: { mode: "validation", model: { dir: model } } });
  const over = new AbortController();
  try {
    await stand.start(signal);
    const films = flowing(stand, over.signal);
    const done = await trouble(stand, task).finally(() => over.abort());
    await films;
    // One that is sound: what waits for its seal gets it.
    await stand.unplug();
    await stand.plugIn(0xffff);
    await stand.settle(SETTLE_MS, signal);
    await stand.stop();
    const evidence = stand.evidence();
    const { observer } = stand;
    const troubled = { ...done, "digest checks told": observer.count("event digest-check") };
    return {
      counts: {
        ...{ films: evidence.good.length, results: evidence.stored.length, seals: observer.seals.length },
        ...troubled,
      },
      findings: [...judge(evidence), ...wrongAnswers(stand), ...idle(troubled)],
    };
  } finally {
    over.abort();
    await stand.close();
  }
}

/** Each is kept, to be asked about afterwards. */
async function flowing(stand: Stand, over: AbortSignal): Promise<void> {
  const [least, most] = FILM_EVERY_MS;
  const folder = join(stand.folder, "films");
  while (!over.aborted) {
    const { name, bytes } = await stand.putOne();
    writeFileSync(join(folder, name), bytes);
    await sleep(least + stand.seeded.below(most - least), undefined, { signal: over }).catch(() => {});
  }
}

/** For so many seconds, one thing after the other. @returns how often */
async function again({ amount, signal, progress }: Task, once: () => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  const seconds = () => (performance.now() - beganMs) / 1000;
  for (let times = 0; ; times++) {
    signal.throwIfAborted();
    if (seconds() >= amount) return times;
    await once();
    progress(Math.min(amount, Math.floor(seconds())));
  }
}

const some = (stand: Stand, leastMs: number, mostMs: number) => sleep(leastMs + stand.seeded.below(mostMs - leastMs));

async function unplugged(stand: Stand, task: Task): Promise<Record<string, number>> {
  const times = await again(task, async () => {
    await stand.plugIn();
    await some(stand, 500, 5000);
    await stand.unplug();
    await some(stand, 200, 2000);
  });
  return { "times unplugged": times };
}

/** It is there, and does not answer. */
async function hung(stand: Stand, task: Task): Promise<Record<string, number>> {
  await stand.plugIn();
  const times = await again(task, async () => {
    await some(stand, 500, 4000);
    const pid = stand.device?.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    await some(stand, 500, 6000);
    process.kill(pid, "SIGCONT");
  });
  return { "times hung": times };
}

async function brownOuts(stand: Stand, task: Task): Promise<Record<string, number>> {
  await stand.plugIn();
  const times = await again(task, async () => {
    await some(stand, 1000, 4000);
    stand.device?.brownOut();
  });
  return { "brown-outs": times };
}

/** Another one every few seconds: one that lied is not asked again for a day. */
async function lying(stand: Stand, task: Task): Promise<Record<string, number>> {
  const behind = join(stand.folder, "honest");
  let [id, lies] = [1, 0];
  const times = await again(task, async () => {
    await stand.plugIn(++id, behind);
    const liar = await Liar.start(behind, stand.port);
    await some(stand, 3000, 7000);
    await stand.unplug();
    lies += await liar.stop();
  });
  return { devices: times, lies };
}

/** What the appliance is held to: label, probability, digests, and whether it says anything at all. */
function answerOf(data: unknown): unknown {
  const { label, probability, decision, assessed, reasons, input, attention } = data as Record<string, unknown>;
  const { digest } = (attention ?? {}) as { readonly digest?: unknown };
  return { label, probability, decision, assessed, reasons, input, digest };
}

function wrongAnswers(stand: Stand): string[] {
  const reader = openStored(stand.dataDir);
  const stored = new Map(reader.listFrom(1, 1_000_000).map(({ reference, data }) => [reference, answerOf(data)]));
  reader.close();
  return compare(stored, inferred(stand)).slice(0, SHOWN);
}

/** @returns the films whose answers differ. Exported to be tested */
export function compare(stored: ReadonlyMap<string | null, unknown>, right: ReadonlyMap<string, unknown>): string[] {
  return [...right].flatMap(([name, answer]) => {
    const own = stored.get(name);
    return isDeepStrictEqual(own, answer)
      ? []
      : [`${name}: ${JSON.stringify(own)} instead of ${JSON.stringify(answer)}`];
  });
}

/** Name → answer, by the command line, with neither device nor store nor cache. */
function inferred(stand: Stand): Map<string, unknown> {
  const folder = join(stand.folder, "films");
  const answers = new Map<string, unknown>();
  const good = stand.films.filter((film) => film.good);
  for (let from = 0; from < good.length; from += FILES_AT_ONCE) {
    const some = good.slice(from, from + FILES_AT_ONCE);
    const paths = some.map(({ name }) => join(folder, name));
    const { stdout, stderr, status } = spawnSync(LV06, ["infer", "--json", "--config", stand.configFile, ...paths], {
      ...{ encoding: "utf8", maxBuffer: 2 ** 28 },
    });
    if (status !== 0) throw new Error(`lv06 infer ended with ${status}: ${stderr}`);
    const { results } = JSON.parse(stdout) as { readonly results: readonly { readonly result: unknown }[] };
    for (const [i, { result }] of results.entries()) answers.set(some[i]?.name ?? "", answerOf(result));
  }
  return answers;
}
