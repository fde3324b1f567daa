import { expect, test } from "vitest";
import { Happenings } from "./happenings.ts";

const lines: unknown[] = [];
const counted: unknown[] = [];
const line = (fields: object, message: string) => void lines.push([fields, message]);
const happenings = new Happenings({
  log: { debug: line, info: line, warn: line, error: line },
  event: () => Promise.resolve(),
  count: (code, times) => void counted.push([code, times ?? 1]),
});
const told = () => ({ lines: lines.splice(0), counted: counted.splice(0) });

test("a store that was put back is logged and counted by its code, with the leap", () => {
  happenings.restored({ from: 300, to: 480 });
  expect(told()).toEqual({
    lines: [[{ part: "store", code: "STORE_LEAP", from: 300, to: 480 }, expect.any(String)]],
    counted: [["STORE_LEAP", 1]],
  });
});

test("a store that was damaged is logged and counted, with what was saved of it", () => {
  const report = { file: "results.db.damaged-x", utcMs: 1, saved: 3, messages: 1, queuedAgain: 2, lost: 0 };
  happenings.salvaged({ ...report, lostFrom: null, lostTo: null });
  expect(told()).toMatchObject({
    lines: [[{ part: "store", code: "STORE_DAMAGED", file: "results.db.damaged-x", saved: 3 }, expect.any(String)]],
    counted: [["STORE_DAMAGED", 1]],
  });
});

test("a kept file that could not be looked after is told by code and id, and events that went by their number", () => {
  happenings.keptFailed("EACCES", "ab".repeat(16));
  happenings.removed({ events: 3, results: 1 });
  expect(told()).toEqual({
    lines: [
      [{ part: "ingest", code: "EACCES", id: "ab".repeat(16) }, expect.any(String)],
      [{ part: "store", events: 3, results: 1 }, expect.any(String)],
    ],
    counted: [
      ["EACCES", 1],
      ["OUTBOX_AGED", 3],
    ],
  });
});

test("a refused image is told once that is durable, under an id of the file; where it is not, nothing is counted", async () => {
  const refusal = { id: "ab", reference: "film.png", fileDigest: null, code: "INGEST_LINK", message: "a link" };
  const events: unknown[] = [];
  const heard = new Happenings({
    log: { debug: line, info: line, warn: line, error: line },
    event: async (data, _, id) => void events.push([id, data]),
    count: (code, times) => void counted.push([code, times ?? 1]),
  });
  await heard.refused(refusal);
  expect(events).toEqual([["refused-ab", expect.objectContaining({ kind: "ingest-refused", code: "INGEST_LINK" })]]);
  expect(told().counted).toEqual([["INGEST_LINK", 1]]);
  const full = new Happenings({
    log: { debug: line, info: line, warn: line, error: line },
    event: () => Promise.reject(new Error("no room")),
    count: (code, times) => void counted.push([code, times ?? 1]),
  });
  await expect(full.refused(refusal)).rejects.toThrow("no room");
  expect(told()).toEqual({ lines: [], counted: [] });
});

test("another site key is told by the names of both", () => {
  happenings.siteKeyChanged("01", "02");
  expect(told()).toMatchObject({
    counted: [["VAULT_SITE_KEY_CHANGED", 1]],
    lines: [[{ from: "01", to: "02" }, expect.any(String)]],
  });
});
