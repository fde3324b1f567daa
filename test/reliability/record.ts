/** What a run of a section came to, as a file that is written after every piece: a run that is broken off goes on from there. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { arch, availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";
import type { Outcome } from "./section.ts";

export interface PieceRecord extends Outcome {
  readonly name: string;
  readonly amount: number;
  readonly seed: number;
  /** What it ran on; a + behind it means that its sources were changed. */
  readonly commit: string;
  readonly startedUtc: string;
  readonly seconds: number;
}

export interface SectionRecord {
  readonly section: string;
  readonly title: string;
  readonly unit: string;
  readonly seed: number;
  /** Null: as long as the long form is. */
  readonly amount: number | null;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly arch: string; readonly node: string };
  /** Of how many pieces. */
  readonly of: number;
  readonly pieces: readonly PieceRecord[];
}

/** What makes it another program. */
const SOURCES = ["host", "firmware-spec", "models", "examples", "test", "package-lock.json"];

export function recordPath(folder: string, section: string): string {
  return join(folder, `${section}.json`);
}

/** Undefined where there is none. */
export function readRecord(path: string): SectionRecord | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as SectionRecord) : undefined;
}

/** Whole or not at all. */
export function writeRecord(path: string, record: SectionRecord): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}

export function thisMachine(): SectionRecord["machine"] {
  const cpu = cpus()[0]?.model.trim() || "unknown";
  return { cpu, cores: availableParallelism(), arch: arch(), node: process.version };
}

export function thisCommit(): string {
  const git = (...args: readonly string[]) => spawnSync("git", args, { encoding: "utf8" }).stdout?.trim() ?? "";
  const changed = git("status", "--porcelain", "--", ...SOURCES) !== "";
  return `${git("rev-parse", "--short=10", "HEAD") || "unknown"}${changed ? "+" : ""}`;
}
