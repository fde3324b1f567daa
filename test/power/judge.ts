/** What a folder must be after whatever was done to the process that wrote it, by what that process was told is durable. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errorCode, errorMessage } from "../../host/base/error.ts";
import { openResultStore } from "../../host/store/open-store.ts";
import type { ResultStore } from "../../host/store/results.ts";
import { makeBoundResult, sampleRescue } from "../../host/store/testing/rescue.ts";
import { sampleVault } from "../../host/store/testing/vault.ts";

export const DATABASE = "results.db";

/** The writer's words, up to a moment. */
export interface Told {
  /** Id of a result → its number. */
  readonly results: ReadonlyMap<string, number>;
  /** Ids of messages that wait, those of results among them. */
  readonly messages: ReadonlySet<string>;
  readonly refused: readonly string[];
}

export function readTold(lines: readonly string[]): Told {
  const results = new Map<string, number>();
  const messages = new Set<string>();
  const taken = new Set<string>();
  const refused: string[] = [];
  for (const line of lines) {
    const [word = "", first = "", second = ""] = line.split(" ");
    if (word === "result") {
      results.set(second, Number(first));
      messages.add(`result-${second}`);
    }
    if (word === "message" || word === "sealed") messages.add(first);
    if (word === "taken") taken.add(first);
    if (word === "refused") refused.push(first);
  }
  for (const id of taken) messages.delete(id);
  return { results, messages, refused };
}

export interface Expectation {
  /** The database itself was damaged: it is set aside, and what was saved of it is what there is. */
  readonly mayBeSalvaged?: boolean;
  /** What was durable may be lost: it was cut off. What is there must still be right. */
  readonly mayLose?: boolean;
}

/** Opens the store as the appliance does, and stores one more result. @returns what is wrong */
export async function faultsIn(folder: string, told: Told, expectation: Expectation = {}): Promise<string[]> {
  let store: ResultStore;
  try {
    store = openResultStore({
      ...{ path: join(folder, DATABASE), vault: sampleVault(1), utcMs: () => 2_000, rescue: sampleRescue() },
    });
  } catch (error) {
    return [`the store does not open: ${errorCode(error)}: ${errorMessage(error)}`];
  }
  try {
    const faults = [...faultsOfResults(store, told, expectation), ...faultsOfMessages(store, told, expectation)];
    if (store.salvaged !== null && expectation.mayBeSalvaged !== true) faults.push("the store was taken for damaged");
    faults.push(...(await faultsOfNext(store, told, expectation)));
    store.close();
    return [...faults, ...faultsOfFile(join(folder, DATABASE))];
  } catch (error) {
    return [`the store cannot be used: ${errorCode(error)}: ${errorMessage(error)}`];
  } finally {
    store.close();
  }
}

function faultsOfResults(store: ResultStore, { results }: Told, { mayLose }: Expectation): string[] {
  const unopened: string[] = [];
  const found = store.read.listFrom(1, 1e6, ({ resultId }, code) =>
    unopened.push(`${resultId} does not open: ${code}`),
  );
  const numbers = new Map(found.map(({ resultId, sequence }) => [resultId, sequence]));
  const faults = mayLose === true ? [] : [...unopened];
  for (const [id, number] of results) {
    const there = numbers.get(id);
    if (there === undefined && mayLose !== true) faults.push(`result ${number} (${id}) is lost`);
    if (there !== undefined && there !== number) faults.push(`result ${id} has the number ${there}, not ${number}`);
  }
  for (const { sequence, data } of found) {
    if ((data as { sequence?: number }).sequence !== sequence) faults.push(`result ${sequence} is another's`);
    if (store.read.seals.of(`id-${sequence}`) === undefined) faults.push(`result ${sequence} is bound by nothing`);
  }
  return faults;
}

function faultsOfMessages(store: ResultStore, { messages }: Told, { mayLose }: Expectation): string[] {
  const waiting = new Set(store.pending(1e6).map(({ messageId }) => messageId));
  if (mayLose === true) return [];
  return [...messages].filter((id) => !waiting.has(id)).map((id) => `message ${id} is lost`);
}

/** Numbers go on: none that was told is given again. */
async function faultsOfNext(store: ResultStore, { results }: Told, { mayLose }: Expectation): Promise<string[]> {
  const last = Math.max(
    store.read.list({ limit: 1 })[0]?.sequence ?? 0,
    mayLose === true ? 0 : Math.max(0, ...results.values()),
  );
  const { sequence } = await store.append(makeBoundResult);
  return sequence > last ? [] : [`number ${sequence} is given again: ${last} was the last`];
}

function faultsOfFile(path: string): string[] {
  const db = new DatabaseSync(path);
  try {
    const verdicts = db
      .prepare("PRAGMA integrity_check(3)")
      .all()
      .map((row) => String(row.integrity_check));
    const orphans = db
      .prepare("PRAGMA foreign_key_check")
      .all()
      .map(({ table }) => `a row of ${String(table)} refers to nothing`);
    return [...verdicts.filter((verdict) => verdict !== "ok"), ...orphans];
  } finally {
    db.close();
  }
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
