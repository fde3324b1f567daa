import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PairingUndo } from "../../device/axeos/pair.ts";
import { PairingRecords } from "./records.ts";

const UNDO: PairingUndo = {
  version: 1,
  mac: "02:00:00:00:00:06",
  layout: "flat",
  bridge: { host: "192.168.1.20", port: 3333, worker: "lv06.000006" },
  settings: { stratumURL: "pool.example", stratumPort: 3333, stratumUser: "owner" },
  slot: null,
};

let folder: string;
let records: PairingRecords;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "records-"));
  records = new PairingRecords(join(folder, "data"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("a record is found as it was kept, until it is removed", () => {
  expect(records.find("020000000006")).toBeUndefined();
  records.keep("020000000006", UNDO);
  expect(records.find("020000000006")).toEqual(UNDO);
  const later = { ...UNDO, slot: 2 };
  records.keep("020000000006", later);
  expect(records.find("020000000006")).toEqual(later);
  records.remove("020000000006");
  records.remove("020000000006");
  expect(records.find("020000000006")).toBeUndefined();
});

test("nobody else can read a record, and nothing lies beside it", () => {
  records.keep("020000000006", UNDO);
  const pairings = join(folder, "data", "pairings");
  expect(statSync(pairings).mode & 0o777).toBe(0o700);
  expect(statSync(records.pathOf("020000000006")).mode & 0o777).toBe(0o600);
  expect(readdirSync(pairings)).toEqual(["020000000006.json"]);
});

test("a folder that is a file, a record that is too long, and one that is damaged are named", () => {
  records.keep("a", UNDO);
  writeFileSync(records.pathOf("a"), "{");
  expect(() => records.find("a")).toThrow(/AXEOS_UNDO_REFUSED/);
  writeFileSync(records.pathOf("a"), " ".repeat(70_000));
  expect(() => records.find("a")).toThrow(/PAIR_RECORD/);
  writeFileSync(join(folder, "file"), "");
  expect(() => new PairingRecords(join(folder, "file")).keep("a", UNDO)).toThrow(/PAIR_RECORD/);
});
