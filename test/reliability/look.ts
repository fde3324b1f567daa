/** What lies in the data folder of an appliance that has stopped: database, ledger, kept and refused files. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { checkStoredLedger } from "../../host/appliance/ledger-check.ts";
import { errorMessage } from "../../host/base/error.ts";
import { setAside } from "../../host/store/open-store.ts";
import type { ResultReader } from "../../host/store/reader.ts";
import type { StoredResult } from "../../host/store/schema.ts";
import { openStored } from "../stored.ts";
import type { Evidence, ResultLook } from "./judge.ts";
import { digestOf } from "./observer.ts";

export type StoreLook = Pick<
  Evidence,
  "stored" | "prunedThrough" | "kept" | "refused" | "strays" | "waiting" | "complaints"
>;

const PAGE = 500;
const KEPT = /^[0-9a-f]{32}\.lv06e$/;
const REASON = /^[0-9a-f]{32}\.reason\.json$/;

/** @param seals values that a subscriber saw, in their order: the ledger must have every one that it did not remove */
export function lookAtStore(dataDir: string, seals: readonly string[]): StoreLook {
  const [inbox, ...own] = ["", "processed", "quarantine"].map((name) => {
    const folder = join(dataDir, "inbox", name);
    return existsSync(folder) ? readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile()) : [];
  });
  const [processed = [], quarantine = []] = own.map((entries) => entries.map(({ name }) => name));
  const halfDone = [...processed, ...quarantine].filter((name) => name.startsWith("."));
  const files = {
    kept: processed.filter((name) => KEPT.test(name)).length,
    refused: quarantine.filter((name) => REASON.test(name)).length,
    strays: [...(inbox ?? []).map(({ name }) => name), ...halfDone],
  };
  try {
    const look = lookIntoDatabase(dataDir, seals);
    return { ...files, ...look, complaints: [...look.complaints, ...damage(dataDir)] };
  } catch (error) {
    const nothing = { stored: [], prunedThrough: 0, waiting: { messages: 0, seals: 0 } };
    return { ...files, ...nothing, complaints: [`the store does not open: ${errorMessage(error)}`] };
  }
}

/** A store that was found damaged and mended itself is whole by now, and was damaged all the same. */
function damage(dataDir: string): string[] {
  const aside = [
    ...setAside(join(dataDir, "results.db")),
    ...["cache.db.damaged"].filter((name) => existsSync(join(dataDir, name))),
  ];
  return aside.map((name) => `database: ${name} was set aside`);
}

function lookIntoDatabase(
  dataDir: string,
  seals: readonly string[],
): Pick<StoreLook, "stored" | "prunedThrough" | "waiting" | "complaints"> {
  const reader = openStored(dataDir);
  try {
    return {
      stored: [...allResults(reader)].map(lookOf),
      prunedThrough: reader.prunedThrough,
      waiting: { messages: reader.outboxCounts().rows, seals: reader.seals.counts().waiting },
      complaints: [...integrity(join(dataDir, "results.db")), ...ledger(reader, seals)],
    };
  } finally {
    reader.close();
  }
}

function* allResults(reader: ResultReader): Generator<StoredResult> {
  for (let from = 1; ; ) {
    const page = reader.listFrom(from, PAGE);
    yield* page;
    if (page.length < PAGE) return;
    from = (page.at(-1)?.sequence ?? 0) + 1;
  }
}

function lookOf({ resultId, sequence, reference, data }: StoredResult): ResultLook {
  return { resultId, sequence, reference, digest: digestOf(data) };
}

/** SQLite's own whole check, not the quick one of the appliance's start. */
function integrity(path: string): string[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const words = db
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => String(row.integrity_check));
    const strangers = db.prepare("PRAGMA foreign_key_check").all().length;
    return [
      ...words.filter((line) => line !== "ok").map((line) => `database: ${line}`),
      ...(strangers === 0 ? [] : [`database: ${strangers} rows refer to none`]),
    ];
  } finally {
    db.close();
  }
}

function ledger(reader: ResultReader, seals: readonly string[]): string[] {
  const removed = reader.seals.base()?.head;
  const anchors = removed === undefined ? seals : seals.slice(seals.indexOf(removed) + 1);
  const { chain, fault } = checkStoredLedger(reader, { anchors }, () => {});
  return [
    ...(chain.ok ? [] : [`ledger: seal ${chain.seal}: ${chain.fault}: ${chain.detail}`]),
    ...(fault === null ? [] : [`ledger: ${JSON.stringify(fault)}`]),
  ];
}
