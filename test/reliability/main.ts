/**
 * `make soak`: node main.ts [SECTION…] [--amount N] [--seed N] [--folder F] [--resume]
 *
 * Runs the sections of the reliability proof in their long form, one piece after the other, and writes FOLDER/SECTION.json
 * (build/soak) after every piece; with --resume it goes on with the first piece that is not in there. What is to be in
 * docs/evidence/reliability.md goes to --folder docs/evidence/reliability, and then `make generate`. Exit status 1 on any
 * finding; the piece's data are left then. Ctrl-C ends it after the step under way.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { SingleBar } from "cli-progress";
import { errorMessage } from "../../host/base/error.ts";
import { MOSQUITTO, RUN_MOSQUITTO } from "../../host/mqtt/testing/mosquitto.ts";
import {
  type PieceRecord,
  readRecord,
  recordPath,
  type SectionRecord,
  thisCommit,
  thisMachine,
  writeRecord,
} from "./record.ts";
import type { Piece, Section } from "./section.ts";
import { SECTIONS } from "./sections.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    amount: { type: "string" },
    seed: { type: "string", default: "1" },
    folder: { type: "string", default: resolve(import.meta.dirname, "../../build/soak") },
    resume: { type: "boolean", default: false },
  },
});
/** Beside the records, which may be kept where the data must not be. */
const DATA = resolve(import.meta.dirname, "../../build/soak");
const [SAY_EVERY_MS, SHOWN] = [10_000, 20];
const stopping = new AbortController();
const say = (line: string) => void process.stdout.write(`${line}\n`);

/** @returns how many findings there are in all its pieces */
async function runSection(section: Section): Promise<number> {
  const amount = wholeOf(values.amount);
  const seed = wholeOf(values.seed) ?? 1;
  const pieces = section.pieces(amount);
  const path = recordPath(values.folder, section.name);
  let record: SectionRecord = {
    ...{ section: section.name, title: section.title, unit: section.unit, seed, amount: amount ?? null },
    ...{ machine: thisMachine(), of: pieces.length, pieces: [] },
  };
  const earlier = values.resume ? readRecord(path) : undefined;
  if (earlier !== undefined && earlier.seed === seed && earlier.amount === record.amount) record = earlier;
  say(`${section.name}: ${section.title}`);
  for (const [i, piece] of pieces.entries()) {
    if (i < record.pieces.length) continue;
    record = { ...record, pieces: [...record.pieces, await runPiece(section, piece, seed + i)] };
    writeRecord(path, record);
  }
  const findings = record.pieces.flatMap((piece) => piece.findings);
  say(`${section.name}: ${findings.length} findings, ${path}`);
  return findings.length;
}

async function runPiece({ name, unit }: Section, piece: Piece, seed: number): Promise<PieceRecord> {
  const folder = join(DATA, `${name}-data`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const startedUtc = new Date().toISOString();
  const beganMs = performance.now();
  const bar = new SingleBar({ format: `  ${piece.name} {bar} {value}/{total} ${unit}, {eta_formatted} to go` });
  bar.start(piece.amount, 0);
  let saidMs = beganMs;
  const progress = (done: number) => {
    bar.update(done);
    if (process.stderr.isTTY || performance.now() - saidMs < SAY_EVERY_MS) return;
    saidMs = performance.now();
    say(`  ${piece.name}: ${done} of ${piece.amount} after ${Math.round((saidMs - beganMs) / 1000)} s`);
  };
  const { signal } = stopping;
  const { amount } = piece;
  const outcome = await piece.run({ seed, amount, folder, signal, progress }).finally(() => bar.stop());
  const seconds = Math.round((performance.now() - beganMs) / 1000);
  say(`  ${piece.name}: ${outcome.findings.length} findings in ${seconds} s`);
  for (const words of outcome.findings.slice(0, SHOWN)) say(`  ✗ ${words}`);
  // What was found is to be looked at; else the next piece needs the room.
  if (outcome.findings.length === 0) rmSync(folder, { recursive: true, force: true });
  return { name: piece.name, amount, seed, commit: thisCommit(), startedUtc, seconds, ...outcome };
}

function wholeOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${text} is not a whole number from 1 on`);
  return value;
}

function chosen(): readonly Section[] {
  const names = positionals.filter((name) => name !== "" && name !== "all");
  const unknown = names.filter((name) => !SECTIONS.some((section) => section.name === name));
  if (unknown.length > 0)
    throw new Error(`no section ${unknown}; there are ${SECTIONS.map(({ name }) => name).join(", ")}`);
  return names.length === 0 ? SECTIONS : SECTIONS.filter(({ name }) => names.includes(name));
}

for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort(new Error("broken off")));
try {
  if (!RUN_MOSQUITTO) throw new Error(`the reliability proof needs ${MOSQUITTO}`);
  let findings = 0;
  for (const section of chosen()) findings += await runSection(section);
  process.exitCode = findings === 0 ? 0 : 1;
} catch (error) {
  say(`✗ ${errorMessage(error)}`);
  process.exitCode = 1;
}
