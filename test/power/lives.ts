/** Lives of the writer that are cut short, or whose disk is full: at every operation, or at some that are drawn. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type { Outcome, Task } from "../reliability/section.ts";
import { Disk, type Files, writeFiles } from "./crash-state.ts";
import { DATABASE, type Expectation, faultsIn, readTold, removeFolder } from "./judge.ts";
import { linesOf, type Operation } from "./op-log.ts";
import { countOperations, logOperations, write } from "./process.ts";
import { buildShim, type Trouble } from "./shim.ts";

const ROUNDS = 9;
/** What a full disk may be called. */
const FULL = new Set(["STORE_DISK_FULL", "STORE_IO", "STORE_OPEN"]);
const PAGE_BYTES = 4096;

/** What a life begins with, and what it may do. */
interface Start {
  readonly rounds: number;
  readonly files: Files;
  /** What was durable before. */
  readonly lines: readonly string[];
  readonly expectation: Expectation;
}

const FROM_NOTHING: Start = { rounds: ROUNDS, files: new Map(), lines: [], expectation: {} };

/** The disk is full from one operation on, or for one: what is refused is refused by name, and nothing else is lost. */
export function runFull(task: Task): Promise<Outcome> {
  return runLives(task, FROM_NOTHING, (at, i) => ({ kind: "full", at, onward: i % 2 === 0 }));
}

/** Killed before an operation. */
export function runKilled(task: Task): Promise<Outcome> {
  return runLives(task, FROM_NOTHING, (at) => ({ kind: "killed", at }));
}

/** Killed in the middle of a write. */
export function runTorn(task: Task): Promise<Outcome> {
  return runLives(task, FROM_NOTHING, (at) => ({ kind: "torn", at }));
}

/** Killed, or out of room, while a damaged store is saved: it ends as if nothing had happened. */
export async function runSalvageKilled(task: Task): Promise<Outcome> {
  const start = await damagedStart(task);
  return runLives(task, start, (at, i) =>
    i % 3 === 2 ? { kind: "full", at, onward: true } : { kind: i % 3 === 0 ? "killed" : "torn", at },
  );
}

/** @param task.amount how many lives: of one operation each, all of them where there are no more */
async function runLives(task: Task, start: Start, troubleAt: (at: number, i: number) => Trouble): Promise<Outcome> {
  const { seed, amount, folder, signal, progress } = task;
  const library = buildShim();
  const chance = new Seeded(seed);
  const trial = join(folder, "trial");
  writeFiles(trial, start.files);
  const all = await countOperations({ library, folder: trial, rounds: start.rounds });
  removeFolder(trial);
  const findings: string[] = [];
  const ends: Record<string, number> = {};
  const chosen = someOf(chance, amount, all);
  for (const [i, operation] of chosen.entries()) {
    signal.throwIfAborted();
    const trouble = troubleAt(operation + 1, i);
    const life = join(folder, `life-${operation}`);
    writeFiles(life, start.files);
    const { lines, end } = await write({ library, folder: life, rounds: start.rounds, trouble });
    const told = readTold([...start.lines, ...lines]);
    const faults = await faultsIn(life, told, start.expectation);
    faults.push(...told.refused.filter((code) => !FULL.has(code)).map((code) => `refused as ${code}`));
    if (!["0", "SIGKILL"].includes(end)) faults.push(`it ended with ${end}`);
    findings.push(...faults.map((fault) => `${trouble.kind} at operation ${operation + 1} of ${all}: ${fault}`));
    ends[end] = (ends[end] ?? 0) + 1;
    if (faults.length === 0) removeFolder(life);
    progress(i + 1);
  }
  return { counts: { operations: all, lives: chosen.length, ...named(ends) }, findings };
}

function named(ends: Readonly<Record<string, number>>): Record<string, number> {
  return { "went on": ends["0"] ?? 0, killed: ends.SIGKILL ?? 0 };
}

/** The power is cut: what was not synced may be on the disk or not. */
export function runPowerCut(task: Task): Promise<Outcome> {
  return runCuts(task, FROM_NOTHING);
}

/** The power is cut while a damaged store is saved. */
export async function runSalvageCut(task: Task): Promise<Outcome> {
  return runCuts(task, await damagedStart(task));
}

/** @param task.amount how many states of the disk */
async function runCuts({ seed, amount, folder, signal, progress }: Task, start: Start): Promise<Outcome> {
  const chance = new Seeded(seed);
  const trial = join(folder, "trial");
  writeFiles(trial, start.files);
  const operations = await logOperations({ library: buildShim(), folder: trial, rounds: start.rounds });
  removeFolder(trial);
  const findings: string[] = [];
  // Several states of one moment, so that the disk is led there once.
  const moments = someOf(chance, Math.ceil(amount / 2), operations.length);
  const disk = new Disk(start.files);
  let [passed, states] = [0, 0];
  for (const moment of moments) {
    for (; passed <= moment; passed++) disk.pass(operationAt(operations, passed));
    const told = readTold([...start.lines, ...linesOf(operations.slice(0, passed))]);
    for (let i = 0; i < 2 && states < amount; i++) {
      signal.throwIfAborted();
      const state = join(folder, `state-${moment}-${i}`);
      writeFiles(state, disk.cut(chance));
      const faults = await faultsIn(state, told, start.expectation);
      findings.push(
        ...faults.map((fault) => `power cut after operation ${moment + 1} of ${operations.length}: ${fault}`),
      );
      if (faults.length === 0) removeFolder(state);
      progress(++states);
    }
  }
  return { counts: { operations: operations.length, moments: moments.length, states }, findings };
}

function operationAt(operations: readonly Operation[], place: number): Operation {
  const operation = operations[place];
  if (operation === undefined) throw new RangeError(`no operation ${place}`);
  return operation;
}

/** A store that a life has filled, without its first page: everything can be saved of it. */
async function damagedStart({ folder }: Task): Promise<Start> {
  const { files, lines } = await filled(folder);
  const bytes = Buffer.from(files.get(DATABASE) ?? Buffer.alloc(0)).fill(0, 0, PAGE_BYTES);
  return { rounds: 0, files: new Map([...files, [DATABASE, bytes]]), lines, expectation: { mayBeSalvaged: true } };
}

/** What a life that nobody disturbs leaves. */
export async function filled(folder: string): Promise<{ readonly files: Files; readonly lines: readonly string[] }> {
  const place = join(folder, "filled");
  mkdirSync(place, { recursive: true });
  const { lines } = await write({ library: buildShim(), folder: place, rounds: ROUNDS, trouble: { kind: "none" } });
  const files = new Map(readdirSync(place).map((name) => [name, readFileSync(join(place, name))]));
  removeFolder(place);
  return { files, lines };
}

/** So many different places, in order; all where there are no more. */
export function someOf(chance: Seeded, count: number, all: number): number[] {
  if (count >= all) return Array.from({ length: all }, (_, i) => i);
  const drawn = new Set<number>();
  while (drawn.size < count) drawn.add(chance.below(all));
  return [...drawn].sort((a, b) => a - b);
}
