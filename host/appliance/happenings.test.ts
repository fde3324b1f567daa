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
    lines: [[{ part: "store", code: "STORE_RESTORED", from: 300, to: 480 }, expect.any(String)]],
    counted: [["STORE_RESTORED", 1]],
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
