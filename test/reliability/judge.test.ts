/** The judge and what gives it its evidence must be able to fail: each planted defect is a finding. */

import { randomBytes } from "node:crypto";
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSecrets } from "../../host/appliance/secrets.ts";
import { SealedStore } from "../../host/appliance/testing/sealed-store.ts";
import { sampleKey } from "../../host/seal/testing/samples.ts";
import { replacing, tamper } from "../../host/store/testing/tamper.ts";
import { KEYS_IN_FILES } from "../stored.ts";
import { timeFindings } from "./clock.ts";
import { compare } from "./device.ts";
import { growthFindings, growthOf, type Sample } from "./flat.ts";
import { type Arrival, type Evidence, judge } from "./judge.ts";
import { lookAtStore } from "./look.ts";
import { idle } from "./section.ts";

const arrival = (sequence: number): Arrival => ({
  ...{ id: `result-r${sequence}`, resultId: `r${sequence}`, sequence },
  ...{ reference: `film-${sequence}`, utcMs: 0, digest: `d${sequence}` },
});
const ALL = [1, 2, 3, 4].map(arrival);
const SOUND: Evidence = {
  ...{
    good: ALL.map(({ reference }) => reference ?? ""),
    bad: ["film-5"],
    stored: ALL,
    prunedThrough: 0,
    arrived: ALL,
  },
  ...{ inOrder: true, kept: 4, refused: 1, strays: [], waiting: { messages: 0, seals: 0 }, complaints: [] },
};
const without = (sequence: number) => ALL.filter((result) => result.sequence !== sequence);
const more = (change: Partial<Arrival>) => [...ALL, { ...arrival(5), ...change }];

describe("the judge", () => {
  test("finds nothing where nothing is wrong, also where old results are removed", () => {
    expect(judge(SOUND)).toEqual([]);
    expect(judge({ ...SOUND, stored: ALL.slice(2), prunedThrough: 2, kept: null })).toEqual([]);
  });

  test.each<[string, Partial<Evidence>, string]>([
    ["a film without a result", { stored: without(3), arrived: without(3) }, "lost: film-3 has no result"],
    ["a gap in the numbers", { stored: without(3), arrived: without(3) }, "sequence: 4 in the place of 3"],
    ["a result that never came", { arrived: without(4) }, "lost: result 4 never came"],
    [
      "a removed result that never came",
      { stored: ALL.slice(2), prunedThrough: 2, arrived: without(1) },
      "lost: result 1 never came, and is removed",
    ],
    ["a film with two results", { stored: more({ reference: "film-2" }) }, "twice: film-2 has several results"],
    ["one that came in two", { arrived: more({ reference: "film-2" }) }, "twice: film-2 came in several results"],
    [
      "an id that counts twice",
      { arrived: more({ id: "result-r2" }) },
      "twice: message result-r2 is counted several times",
    ],
    ["a number that came twice", { arrived: more({ sequence: 2 }) }, "twice: several results came as 2"],
    ["a result of nothing", { stored: more({ reference: "film-9" }) }, "twice: result 5 is of nothing that was put in"],
    ["a result of what is no film", { stored: more({}) }, "twice: film-5 is no film, and has a result"],
    [
      "a message that says something else than the store",
      { arrived: ALL.with(1, { ...arrival(2), digest: "other" }) },
      "not what is stored: message result-r2",
    ],
    [
      "a message of no stored result",
      { stored: without(4) },
      "not what is stored: message result-r4 is of no stored result",
    ],
    ["messages out of order", { arrived: ALL.toReversed() }, "order: 3 came after 4"],
    ["a film that was not kept", { kept: 3 }, "files: 3 of 4 films are kept"],
    ["a refusal without its reason", { refused: 0 }, "files: 0 of 1 bad files have their reason"],
    ["something half done", { strays: [".x.lv06e.part"] }, "left behind: .x.lv06e.part"],
    ["a message that still waits", { waiting: { messages: 1, seals: 0 } }, "waiting: 1 messages for the broker"],
    ["a result that is not sealed", { waiting: { messages: 0, seals: 2 } }, "waiting: 2 results for their seal"],
    ["what others found", { complaints: ["database: row missing"] }, "database: row missing"],
  ])("finds %s", (_, change, finding) => {
    expect(judge({ ...SOUND, ...change })).toContain(finding);
  });

  test("asks for no order where a broker forgot, and counts what it does not show", () => {
    expect(judge({ ...SOUND, arrived: ALL.toReversed(), inOrder: false })).toEqual([]);
    const strays = Array.from({ length: 8 }, (_, i) => `.${i}.part`);
    expect(judge({ ...SOUND, strays }).at(-1)).toBe("left behind: 3 more");
  });
});

describe("the look at a stopped appliance's folder", () => {
  let folder: string;
  let seals: string[];
  let made: string;
  const vault = () => openSecrets({ dataDir: made, ...KEYS_IN_FILES }, randomBytes).vault;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "judge-"));
    made = join(folder, "sound");
    for (const own of ["processed", "quarantine"]) mkdirSync(join(made, "inbox", own), { recursive: true });
    const sealed = new SealedStore(join(made, "results.db"), sampleKey(1), vault());
    seals = [(await sealed.seal(3)).sealedValue, (await sealed.seal(2)).sealedValue];
    sealed.store.close();
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** @returns what is found in a copy after `spoil` */
  function found(spoil: (copy: string) => void, anchors = seals): string[] {
    const copy = mkdtempSync(join(folder, "copy-"));
    cpSync(made, copy, { recursive: true });
    spoil(copy);
    const look = lookAtStore(copy, anchors);
    return [...look.strays, ...look.complaints];
  }

  function sql(copy: string, text: string): void {
    const db = new DatabaseSync(join(copy, "results.db"), { enableForeignKeyConstraints: false });
    db.exec(text);
    db.close();
  }

  test("finds nothing in a sound one", () => {
    expect(found(() => {})).toEqual([]);
    expect(lookAtStore(made, seals)).toMatchObject({ prunedThrough: 0, waiting: { messages: 0, seals: 0 } });
    expect(lookAtStore(made, seals).stored.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  });

  test.each<[string, (copy: string) => void, RegExp]>([
    ["a dropped row", (copy) => sql(copy, "DELETE FROM results WHERE sequence = 4"), /^database: 1 rows refer to none/],
    [
      "a result that was changed after it was signed",
      (copy) => tamper(join(copy, "results.db"), vault(), replacing("positive", "negative", "WHERE sequence = 4")),
      /^ledger: .*"batch":/,
    ],
    [
      "a page of zeros",
      (copy) => {
        const db = new DatabaseSync(join(copy, "results.db"));
        const pages = Number(db.prepare("PRAGMA page_count").get()?.page_count);
        db.close();
        const bytes = Buffer.alloc(4096);
        const file = openSync(join(copy, "results.db"), "r+");
        for (let page = 2; page < pages; page += 2) writeSync(file, bytes, 0, bytes.length, page * bytes.length);
        closeSync(file);
      },
      /./,
    ],
    [
      "a database that was damaged and mended itself",
      (copy) => writeFileSync(join(copy, "results.db.damaged-20260930T101500Z"), ""),
      /^database: results\.db\.damaged-20260930T101500Z was set aside$/,
    ],
    [
      "a cache that was damaged",
      (copy) => writeFileSync(join(copy, "cache.db.damaged"), ""),
      /^database: cache\.db\.damaged was set aside$/,
    ],
    ["no database", (copy) => rmSync(join(copy, "results.db")), /^the store does not open/],
    ["a film that was left", (copy) => writeFileSync(join(copy, "inbox", "film.png"), ""), /^film.png$/],
    ["half a kept file", (copy) => writeFileSync(join(copy, "inbox/processed/.a.part"), ""), /^\.a\.part$/],
  ])("finds %s", (_, spoil, words) => {
    expect(found(spoil).some((finding) => words.test(finding))).toBe(true);
  });

  test("finds a seal that a subscriber saw and the ledger does not have", () => {
    expect(found(() => {}, [...seals, "ab".repeat(32)]).join()).toMatch(/ledger/);
  });
});

describe("growth", () => {
  const sample = (i: number, rssMiB = 200): Sample => ({ rssMiB, openFiles: 60 + (i % 3), storeMiB: 30 + (i % 5) });
  const flat = Array.from({ length: 100 }, (_, i) => sample(i, 200 + (i % 7)));
  const findings = (samples: readonly Sample[]) => {
    const growth = growthOf(samples);
    return growth === undefined ? ["too few"] : growthFindings(growth);
  };

  test("is not found in what stays the same, or rose before it was warm", () => {
    expect(findings(flat)).toEqual([]);
    expect(findings(flat.map((one, i) => (i < 25 ? { ...one, rssMiB: 8 * i } : one)))).toEqual([]);
    expect(findings(flat.slice(0, 10))).toEqual(["too few"]);
  });

  test.each<[string, (one: Sample, i: number) => Sample]>([
    ["resident memory grew by 1", (one, i) => ({ ...one, rssMiB: one.rssMiB + i })],
    ["open files grew by ", (one, i) => ({ ...one, openFiles: one.openFiles + Math.floor(i / 5) })],
    ["the databases grew by ", (one, i) => ({ ...one, storeMiB: one.storeMiB + i / 5 })],
  ])("is found: %s", (words, leak) => {
    expect(findings(flat.map(leak)).join()).toContain(words);
  });
});

test("an answer that differs from what `lv06 infer` says is found, and so is one that is missing", () => {
  const right = new Map([
    ["a", { label: "NORMAL", probability: 0.1 }],
    ["b", { label: "NORMAL", probability: 0.2 }],
  ]);
  expect(compare(right, right)).toEqual([]);
  expect(compare(new Map([["a", { label: "NORMAL", probability: 0.1001 }]]), right)).toHaveLength(2);
});

test("a result that does not come after a step of the clock is found, and so is one of another day", () => {
  expect(timeFindings("step 1", 1000, 60_000)).toEqual([]);
  expect(timeFindings("step 1", undefined, 0)).toEqual(["step 1: no result within 60 s"]);
  expect(timeFindings("step 1", 86_400_000, 0)).toEqual(["step 1: the result's time is off by 86400 s"]);
});

test("a run in which what it is about never happened is found", () => {
  expect(idle({ lies: 1 })).toEqual([]);
  expect(idle({ devices: 3, lies: 0 })).toEqual(["shows nothing: lies: 0"]);
});
