/** The writer as a process, with trouble between it and its disk. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { DATABASE } from "./judge.ts";
import { type Operation, readLog } from "./op-log.ts";
import { shimEnv, type Trouble } from "./shim.ts";

const WRITER = resolve(import.meta.dirname, "writer.ts");
const DEADLINE_MS = 60_000;

export interface Written {
  /** What it said, up to its end. */
  readonly lines: readonly string[];
  /** How it ended: a signal's name, or its exit status. */
  readonly end: string;
}

export interface WriteOptions {
  /** Of the built shim. */
  readonly library: string;
  /** Of the database; there already. */
  readonly folder: string;
  /** 0: only opens and closes the store. */
  readonly rounds: number;
  readonly trouble: Trouble;
}

export async function write(options: WriteOptions, logFile?: string, countFile?: string): Promise<Written> {
  const { library, folder, rounds, trouble } = options;
  const files = { ...(logFile === undefined ? {} : { logFile }), ...(countFile === undefined ? {} : { countFile }) };
  const writer = spawn(process.execPath, [WRITER, join(folder, DATABASE), String(rounds)], {
    env: shimEnv(library, { folder, trouble, ...files }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => writer.kill("SIGKILL"), DEADLINE_MS);
  const ended = once(writer, "exit");
  const [said, complaint] = await Promise.all([text(writer.stdout), text(writer.stderr)]);
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  const lines = said.split("\n").filter((line) => line !== "");
  const end = signal ?? String(code);
  return { lines, end: complaint === "" ? end : `${end}: ${complaint.slice(0, 500)}` };
}

/** How many operations a life without trouble has. */
export async function countOperations(options: Omit<WriteOptions, "trouble">): Promise<number> {
  const countFile = `${options.folder}.count`;
  await write({ ...options, trouble: { kind: "none" } }, undefined, countFile);
  const count = Number(readFileSync(countFile, "utf8"));
  rmSync(countFile);
  return count;
}

/** Everything that a life without trouble did to its files. */
export async function logOperations(options: Omit<WriteOptions, "trouble">): Promise<Operation[]> {
  const logFile = `${options.folder}.log`;
  rmSync(logFile, { force: true });
  await write({ ...options, trouble: { kind: "none" } }, logFile);
  const operations = existsSync(logFile) ? readLog(readFileSync(logFile)) : [];
  rmSync(logFile, { force: true });
  return operations;
}
