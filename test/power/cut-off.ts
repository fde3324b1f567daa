/** The database, or its journal, cut off at a length, or with a page that is lost: what is there is right, and numbers go on above it. */
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Seeded } from "../../host/device/testing/seeded.ts";
import { ResultStore } from "../../host/store/results.ts";
import { makeBoundResult } from "../../host/store/testing/rescue.ts";
import { sampleVault } from "../../host/store/testing/vault.ts";
import type { Outcome, Task } from "../reliability/section.ts";
import { type Files, writeFiles } from "./crash-state.ts";
import { DATABASE, faultsIn, readTold, removeFolder } from "./judge.ts";
import { someOf } from "./lives.ts";

const JOURNAL = `${DATABASE}-wal`;
const PAGE_BYTES = 4096;
const BEFORE = 20;
const IN_JOURNAL = 12;

/** @param task.amount at how many lengths of each; every one where there are no more */
export async function runCutOff(task: Task): Promise<Outcome> {
  const { stopped, killed } = await twoEnds(task.folder);
  const chance = new Seeded(task.seed);
  const states = function* (files: Files, name: string) {
    const whole = files.get(name) ?? Buffer.alloc(0);
    for (const length of someOf(chance, task.amount, whole.length)) {
      yield { what: `${name} cut off at ${length}`, files: new Map([...files, [name, whole.subarray(0, length)]]) };
    }
  };
  const trial = new Trial(task);
  await trial.all(states(stopped, DATABASE), true);
  await trial.all(states(killed, JOURNAL), false);
  const sizes = { "database bytes": sizeOf(stopped, DATABASE), "journal bytes": sizeOf(killed, JOURNAL) };
  return { counts: { lengths: trial.done, ...sizes }, findings: trial.findings };
}

/** A page that the disk gives as zeros, as what was never written, or half. @param task.amount of how many pages */
export async function runPageLost(task: Task): Promise<Outcome> {
  const { stopped } = await twoEnds(task.folder);
  const chance = new Seeded(task.seed);
  const whole = stopped.get(DATABASE) ?? Buffer.alloc(0);
  const pages = whole.length / PAGE_BYTES;
  const states = function* () {
    for (const page of someOf(chance, task.amount, pages)) {
      const at = page * PAGE_BYTES;
      const losses = {
        zeros: Buffer.alloc(PAGE_BYTES),
        noise: chance.bytes(PAGE_BYTES),
        half: Buffer.concat([whole.subarray(at, at + PAGE_BYTES / 2), Buffer.alloc(PAGE_BYTES / 2)]),
      };
      for (const [how, bytes] of Object.entries(losses)) {
        const file = Buffer.from(whole);
        bytes.copy(file, at);
        yield { what: `page ${page + 1} of ${pages} lost (${how})`, files: new Map([...stopped, [DATABASE, file]]) };
      }
    }
  };
  const trial = new Trial(task);
  await trial.all(states(), true);
  return { counts: { pages, states: trial.done }, findings: trial.findings };
}

/** States of the disk in which something is gone: what is there must be right. */
class Trial {
  readonly findings: string[] = [];
  readonly #task: Task;
  #done = 0;

  constructor(task: Task) {
    this.#task = task;
  }

  get done(): number {
    return this.#done;
  }

  async all(states: Iterable<{ readonly what: string; readonly files: Files }>, mayBeSalvaged: boolean): Promise<void> {
    const { folder, signal, progress } = this.#task;
    for (const { what, files } of states) {
      signal.throwIfAborted();
      const state = join(folder, `state-${this.#done}`);
      writeFiles(state, files);
      const faults = await faultsIn(state, readTold([]), { mayBeSalvaged, mayLose: true });
      this.findings.push(...faults.map((fault) => `${what}: ${fault}`));
      if (faults.length === 0) removeFolder(state);
      progress(++this.#done);
    }
  }
}

function sizeOf(files: Files, name: string): number {
  return files.get(name)?.length ?? 0;
}

/** A store that was closed, and one whose journal holds results that the database has not. */
async function twoEnds(folder: string): Promise<{ readonly stopped: Files; readonly killed: Files }> {
  const place = join(folder, "whole");
  mkdirSync(place, { recursive: true });
  const open = () => new ResultStore({ path: join(place, DATABASE), vault: sampleVault(1), utcMs: () => 1_000 });
  const before = open();
  for (let i = 0; i < BEFORE; i++) await before.append(makeBoundResult);
  before.close();
  const stopped = filesOf(place, [DATABASE, "high-water"]);
  const running = open();
  for (let i = 0; i < IN_JOURNAL; i++) await running.append(makeBoundResult);
  const killed = filesOf(place, [DATABASE, JOURNAL, "high-water"]);
  running.close();
  removeFolder(place);
  return { stopped, killed };
}

function filesOf(place: string, names: readonly string[]): Files {
  return new Map(
    names.map((name) => {
      const copy = join(place, `${name}.copy`);
      copyFileSync(join(place, name), copy);
      return [name, readFileSync(copy)];
    }),
  );
}
