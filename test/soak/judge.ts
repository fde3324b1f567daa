/** What is left at the end, held against what went in: one finding a line, none where all is well. */
import { join } from "node:path";
import { checkStoredLedger } from "../../host/appliance/ledger-check.ts";
import { missingPrograms } from "../../host/device/testing/firmware.ts";
import type { ResultReader } from "../../host/store/reader.ts";
import type { StoredResult } from "../../host/store/schema.ts";
import type { OutsideClient, Received } from "../demo/outside-client.ts";
import { judgeReceipts, receiptsOf } from "../receipts.ts";
import { openStored } from "../stored.ts";

export interface Verdict {
  readonly results: number;
  readonly seals: number;
  readonly receipts: number;
  readonly largestBatch: number;
  /** From each result at the observer to its seal there. */
  readonly sealedAfterMs: readonly number[];
  readonly findings: readonly string[];
}

const PAGE = 500;
/** More of one kind are only counted. */
const SHOWN = 5;

/** @param folder of the appliance, which has stopped */
export function judgeStore(folder: string, films: Iterable<string>, observer: OutsideClient): Verdict {
  const reader = openStored(join(folder, "data"));
  try {
    const results = allResults(reader);
    const seals = [...reader.seals.ledger()];
    const { missing: unsealed, receipts } = receiptsOf(reader, results);
    const publicKey = String(observer.of("info").at(-1)?.data.publicKey);
    const sizes = seals.map((text) => Number(JSON.parse(text).size));
    const findings = [
      ...some("sequence", gaps(results)),
      ...some("film without a result", missing(films, results)),
      ...some("unsealed result", unsealed),
      ...some("receipt", judgeReceipts(receipts, publicKey, missingPrograms("python3").length === 0)),
      ...judgeLedger(reader, publicKey, observer),
      ...some("message", judgeMessages(reader, results, seals, observer)),
    ];
    const largestBatch = Math.max(0, ...sizes);
    return {
      ...{ results: results.length, seals: seals.length, receipts: receipts.length, largestBatch, findings },
      sealedAfterMs: sealTimes(reader, results, observer),
    };
  } finally {
    reader.close();
  }
}

function some(what: string, findings: readonly string[]): string[] {
  const more = findings.length > SHOWN ? [`${what}: ${findings.length - SHOWN} more`] : [];
  return [...findings.slice(0, SHOWN).map((words) => `${what}: ${words}`), ...more];
}

function allResults(reader: ResultReader): StoredResult[] {
  const all: StoredResult[] = [];
  for (;;) {
    const page = reader.listFrom((all.at(-1)?.sequence ?? 0) + 1, PAGE);
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}

function gaps(results: readonly StoredResult[]): string[] {
  return results.flatMap(({ sequence }, i) => (sequence === i + 1 ? [] : [`${sequence} at place ${i + 1}`]));
}

function missing(films: Iterable<string>, results: readonly StoredResult[]): string[] {
  const there = new Set(results.map(({ reference }) => reference));
  return [...films].filter((name) => !there.has(name));
}

/** As `lv06 ledger check` does, held to every head that the observer saw. */
function judgeLedger(reader: ResultReader, publicKey: string, observer: OutsideClient): string[] {
  const anchors = observer.of("seal").map(({ data }) => String(data.sealedValue));
  const trustedKeys = new Map([[publicKey, "this appliance"]]);
  const { chain, fault } = checkStoredLedger(reader, { trustedKeys, anchors }, () => {});
  return [
    ...(chain.ok ? [] : [`ledger: seal ${chain.seal}: ${chain.fault}: ${chain.detail}`]),
    ...(fault === null ? [] : [`ledger: ${JSON.stringify(fault)}`]),
  ];
}

/** Each result and each seal came, passed its schema, and the result came before its seal. */
function judgeMessages(
  reader: ResultReader,
  results: readonly StoredResult[],
  seals: readonly string[],
  { received }: OutsideClient,
): string[] {
  const firstAt = firstArrivals(received);
  const sealAt = seals.map((text) => firstAt.get(String(JSON.parse(text).sealedValue)));
  return [
    ...received.flatMap(({ kind, complaints }) => complaints.map((words) => `${kind} ${words}`)),
    ...sealAt.flatMap((at, i) => (at === undefined ? [`seal ${i} never came`] : [])),
    ...sealAt.flatMap((at, i) => ((at ?? 0) < (sealAt[i - 1] ?? 0) ? [`seal ${i} came before the one before`] : [])),
    ...results.flatMap(({ resultId, sequence }) => {
      const at = firstAt.get(resultId);
      const seal = firstAt.get(sealedValueOf(reader, resultId));
      if (at === undefined) return [`result ${sequence} never came`];
      return seal !== undefined && seal < at ? [`result ${sequence} came after its seal`] : [];
    }),
  ];
}

function sealTimes(reader: ResultReader, results: readonly StoredResult[], { received }: OutsideClient): number[] {
  const firstAt = firstArrivals(received);
  const atMs = (key: string) => received[firstAt.get(key) ?? -1]?.atMs ?? Number.NaN;
  return results.map(({ resultId }) => atMs(sealedValueOf(reader, resultId)) - atMs(resultId));
}

/** Result id or sealed value → place of the first message with it: a redelivery is no news. */
function firstArrivals(received: readonly Received[]): Map<string, number> {
  const firstAt = new Map<string, number>();
  for (const [i, { kind, data }] of received.entries()) {
    const key = kind === "result" ? String(data.resultId) : kind === "seal" ? String(data.sealedValue) : undefined;
    if (key !== undefined && !firstAt.has(key)) firstAt.set(key, i);
  }
  return firstAt;
}

/** Empty where it is in no batch. */
function sealedValueOf(reader: ResultReader, resultId: string): string {
  const batch = reader.seals.of(resultId)?.batch ?? null;
  return Buffer.from((batch === null ? undefined : reader.seals.batch(batch))?.sealedValue ?? []).toString("hex");
}
