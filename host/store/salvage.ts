/**
 * A new database from what can be read of a damaged one, which is only read.
 *
 * A result is saved where it opens, so that nothing of it can have changed, and agrees with what binds it; all else that
 * is saved hangs on results. What sealed a batch stays in the ledger; results of a batch of which some are gone, or whose
 * own binding is gone, wait for a seal anew.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Vault } from "../base/vault.ts";
import { type CarvedRow, carve } from "./carve.ts";
import { DATABASE_PARTS, openDatabase, removeDatabase, sizeOf, syncPath } from "./database.ts";
import { StoreError } from "./errors.ts";
import { type Found, recognised } from "./found-rows.ts";
import { AGREEING } from "./known-keys.ts";
import { keepLastGiven, resultsSchema } from "./migrations.ts";
import { missingNumbers } from "./missing-numbers.ts";
import { PageFile } from "./page-file.ts";
import { RESTORED_FROM, type Rescue, type SalvageReport } from "./rescue.ts";
import { Rows } from "./rows.ts";
import { SalvagedMessages } from "./salvaged-messages.ts";
import { SalvagedResults } from "./salvaged-results.ts";
import { mendBatches, SalvagedSeals } from "./salvaged-seals.ts";

export interface SalvageOptions {
  /** The damaged database, with its journal beside it. */
  readonly from: string;
  /** Made anew; no file may be there. */
  readonly into: string;
  /** What the report calls the damaged one. */
  readonly file: string;
  readonly vault: Vault;
  readonly rescue: Rescue;
  readonly utcMs: () => number;
  /** The number that was given last, where that is known; else 0. */
  readonly lastGiven: number;
  /** Nothing beside the database says which numbers were given: go on above what it had reserved. */
  readonly aboveReserved: boolean;
  /** Of the outbox: what was saved is kept beyond it, what is made anew takes half of it at most. */
  readonly outboxMaxRows: number;
  readonly outboxMaxBytes: number;
}

/** What the first look finds. */
interface Survey {
  readonly facts: Map<string, string | number>;
  readonly given: Map<string, number>;
  reserved: number;
}

/**
 * @throws VaultError VAULT_KEY_UNKNOWN where the keys are not the store's: that is no damage;
 *   StoreError STORE_NEWER; STORE_DAMAGED for the form of an older version, which nothing authenticates; as openDatabase
 */
export function salvage(options: SalvageOptions): SalvageReport {
  const pages = new PageFile(options.from);
  try {
    expectVersion(pages, options);
    return made(pages, options);
  } catch (error) {
    removeDatabase(options.into);
    throw error;
  } finally {
    pages.close();
  }
}

/** Durable when it returns. */
function made(pages: PageFile, options: SalvageOptions): SalvageReport {
  const db = openDatabase(options.into, resultsSchema(options.vault));
  try {
    // Whoever is interrupted begins again with an empty file: it needs no journal, and the room of one.
    db.exec("PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    db.exec("PRAGMA foreign_keys = OFF; BEGIN");
    const report = fill(db, pages, options);
    db.exec("COMMIT");
    return report;
  } finally {
    db.close();
    syncPath(options.into, "r+");
    expectAlone(options.into);
  }
}

/** Only the file itself takes the damaged one's place. */
function expectAlone(path: string): void {
  const beside = DATABASE_PARTS.find((part) => part !== "" && sizeOf(path + part) > 0);
  if (beside !== undefined) throw new StoreError("STORE_IO", `${path}${beside} could not be written back`);
}

function expectVersion({ userVersion }: PageFile, { from, vault }: SalvageOptions): void {
  const known = resultsSchema(vault).migrations.length;
  if (userVersion === undefined || userVersion === known) return;
  const detail = `${from} has schema ${userVersion}, this version's is ${known}`;
  throw new StoreError(userVersion > known ? "STORE_NEWER" : "STORE_DAMAGED", `${detail}: it cannot be saved from`);
}

function fill(db: DatabaseSync, pages: PageFile, options: SalvageOptions): SalvageReport {
  const { vault, rescue, file, utcMs } = options;
  const rows = new Rows(vault);
  const seals = new SalvagedSeals(db, rescue);
  const survey = surveyOf(pages, seals);
  const results = new SalvagedResults(db, { vault, rows, rescue });
  const messages = new SalvagedMessages(db, { ...options, rows });
  for (const found of rowsOf(pages)) {
    if (found.kind === "result") results.add(found);
    if (found.kind === "message") messages.add(found);
  }
  expectKeys(rows, survey, [results, messages]);
  mendBatches(db, { pruning: survey.facts.get("pruning"), utcMs: utcMs() });
  // Also where the outbox looks whole: an older page of it, which a disk may give, looks whole too.
  const queuedAgain = messages.queueAgain();
  keepFacts(db, survey);
  const last = keepNumbers(db, survey, { ...options, highest: Math.max(results.highest, messages.highestResult) });
  const report: SalvageReport = {
    ...{ file, utcMs: utcMs(), saved: results.saved, messages: messages.saved, queuedAgain },
    ...missingNumbers(db, Number(survey.facts.get("prunedThrough") ?? 0), last),
  };
  messages.queue(rescue.restoredMessage(report));
  db.prepare("INSERT INTO meta VALUES (?, ?)").run(RESTORED_FROM, JSON.stringify(report));
  return report;
}

function* rowsOf(pages: PageFile): Generator<Found> {
  for (const row of carve(pages) as Iterable<CarvedRow>) {
    const found = recognised(row);
    if (found !== undefined) yield found;
  }
}

/** All but results and messages, which are held against it. */
function surveyOf(pages: PageFile, seals: SalvagedSeals): Survey {
  const survey: Survey = { facts: new Map(), given: new Map(), reserved: 0 };
  for (const found of rowsOf(pages)) {
    if (found.kind === "commitment") seals.addCommitment(found.row);
    if (found.kind === "batch") seals.addBatch(found.row);
    if (found.kind === "fact") survey.facts.set(found.name, found.value);
    if (found.kind === "given") survey.given.set(found.table, Math.max(found.last, survey.given.get(found.table) ?? 0));
    if (found.kind === "reserved") survey.reserved = Math.max(survey.reserved, found.last);
  }
  return survey;
}

/**
 * A row under a key that is not known is no damage, and it is not left behind: nothing is saved without the key. But a
 * few rows that name a key which was never noted (see KnownKeys) name none, and nor does one alone where nothing is noted.
 *
 * @throws VaultError VAULT_KEY_UNKNOWN
 */
function expectKeys(rows: Rows, { facts }: Survey, parts: readonly (SalvagedResults | SalvagedMessages)[]): void {
  const saved = parts.reduce((sum, part) => sum + part.saved, 0);
  const noted = facts.get("keyIds");
  const most = noted === undefined ? 1 : AGREEING - 1;
  const strange = new Map<string, number>();
  for (const keyId of parts.flatMap(({ strangeKeys }) => strangeKeys)) {
    const id = Buffer.from(keyId).toString("hex");
    strange.set(id, (strange.get(id) ?? 0) + 1);
  }
  for (const [id, times] of strange) {
    const isKey = times > most || (noted === undefined ? saved === 0 : String(noted).includes(id));
    if (isKey) rows.expectKey(Buffer.from(id, "hex"));
  }
}

function keepFacts(db: DatabaseSync, { facts }: Survey): void {
  const insert = db.prepare("INSERT INTO meta VALUES (?, ?)");
  for (const [name, value] of facts) insert.run(name, value);
}

/** @returns the highest number of a result that is known to have been given */
function keepNumbers(
  db: DatabaseSync,
  { given, reserved }: Survey,
  { lastGiven, aboveReserved, highest }: SalvageOptions & { readonly highest: number },
): number {
  const last = Math.max(highest, lastGiven, given.get("results") ?? 0);
  keepLastGiven(db, "results", aboveReserved ? Math.max(last, reserved) : last);
  for (const table of ["outbox", "batches"] as const) keepLastGiven(db, table, given.get(table) ?? 0);
  return last;
}
