/** Very many images through the whole journey, and an hour with the real model: does anything grow? */
import { setTimeout as sleep } from "node:timers/promises";
import { type Growth, growthFindings, growthOf, type Sample } from "./flat.ts";
import { judge } from "./judge.ts";
import { databasesMiB, familyOf, holdingOf } from "./processes.ts";
import type { Outcome, Section, Task } from "./section.ts";
import { REAL, STAND_IN, Stand } from "./stand.ts";

const IMAGES = 100_000;
const SECONDS = 3600;
const SETTLE_MS = 300_000;
const MIB = 2 ** 20;
/** What is kept is bounded, so that it can be seen to stay so: reached long before the half of a long run. */
const BOUNDS = {
  store: { maxBytes: 16 * MIB, cacheMaxBytes: 8 * MIB },
  ingest: { keepMaxBytes: 32 * MIB },
};
const WAITING_MAX = 200;
const BURST = 20;
const SAMPLE_MS = 5000;
/** The hour is one of work, not of a full machine. */
const REAL_EVERY_MS = 150;

export const VOLUME: Section = {
  name: "volume",
  title:
    "Very many images through the whole journey; resident memory of all its processes, open files and the databases stay as they are.",
  unit: "images",
  pieces: (amount) => [{ name: "stand-in model", amount: amount ?? IMAGES, run: runVolume }],
};

export const HOUR: Section = {
  name: "hour",
  title:
    "An hour of the whole journey with the real model; resident memory of all its processes, open files and the databases stay as they are.",
  unit: "seconds",
  pieces: (amount) => [{ name: "real model", amount: amount ?? SECONDS, run: runHour }],
};

export async function runVolume(task: Task): Promise<Outcome> {
  return run(task, STAND_IN, async (stand) => {
    const { amount, signal, progress } = task;
    for (let put = 0; put < amount; ) {
      signal.throwIfAborted();
      if (stand.waiting > WAITING_MAX - BURST) {
        await sleep(20);
        continue;
      }
      for (let i = 0; i < BURST && put < amount; i++, put++) await stand.putOne();
      progress(put);
    }
  });
}

export async function runHour(task: Task): Promise<Outcome> {
  return run(task, REAL, async (stand) => {
    const { amount, signal, progress } = task;
    const beganMs = performance.now();
    const seconds = () => (performance.now() - beganMs) / 1000;
    while (seconds() < amount) {
      signal.throwIfAborted();
      if (stand.waiting < WAITING_MAX) await stand.putOne();
      await sleep(REAL_EVERY_MS);
      progress(Math.min(amount, Math.floor(seconds())));
    }
  });
}

async function run(task: Task, model: string, feed: (stand: Stand) => Promise<void>): Promise<Outcome> {
  const { seed, folder, signal } = task;
  const settings = { ...BOUNDS, model: { dir: model }, seal: { maxAgeMs: 1000 } };
  const stand = await Stand.open({ folder, seed, settings });
  try {
    await stand.plugIn();
    await stand.start(signal);
    const beganMs = performance.now();
    const samples: Sample[] = [];
    const sampling = setInterval(() => samples.push(sampleOf(stand)), SAMPLE_MS);
    await feed(stand).finally(() => clearInterval(sampling));
    await stand.settle(SETTLE_MS, signal);
    const seconds = (performance.now() - beganMs) / 1000;
    await stand.stop();
    // The kept files are bounded: how many there are says nothing.
    const evidence = { ...stand.evidence(), kept: null };
    const growth = growthOf(samples);
    return {
      counts: {
        ...{ films: evidence.good.length, results: stand.observer.arrived.length },
        ...{ seals: stand.observer.seals.length, "results removed by the retention policy": evidence.prunedThrough },
        "results a second": tenths(evidence.good.length / seconds),
        ...countsOf(samples, growth),
      },
      findings: [...judge(evidence), ...(growth === undefined ? [] : growthFindings(growth))],
    };
  } finally {
    await stand.close();
  }
}

function sampleOf(stand: Stand): Sample {
  return { ...holdingOf(familyOf(stand.appliance.pid)), storeMiB: databasesMiB(stand.dataDir) };
}

function countsOf(samples: readonly Sample[], growth: Growth | undefined): Record<string, number> {
  if (growth === undefined) return { samples: samples.length };
  const { level, percent } = growth;
  return {
    samples: samples.length,
    "resident memory, MiB": tenths(level.rssMiB),
    "its growth, %": tenths(percent.rssMiB),
    "open files": level.openFiles,
    "their growth, %": tenths(percent.openFiles),
    "databases, MiB": tenths(level.storeMiB),
    "its growth, % ": tenths(percent.storeMiB),
  };
}

const tenths = (value: number) => Math.round(value * 10) / 10;
