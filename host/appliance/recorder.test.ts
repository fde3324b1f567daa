import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pseudonyms } from "../base/pseudonym.ts";
import { readMessage } from "../mqtt/envelope.ts";
import type { EventData } from "../mqtt/messages.ts";
import { IDENTITY, result } from "../mqtt/testing/samples.ts";
import { ResultStore } from "../store/results.ts";
import { sampleVault } from "../store/testing/vault.ts";
import { Recorder } from "./recorder.ts";

const NAME = "MUELLER-HANS.png";
const pseudonyms = new Pseudonyms(Buffer.alloc(32, 7));
const PSEUDONYM = pseudonyms.of(NAME);
const binder = {
  bind: () => {
    throw new Error("nothing is bound here");
  },
  stored: () => {},
};

let folder = "";
let store: ResultStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "recorder-"));
  store = new ResultStore({ path: join(folder, "results.db"), vault: sampleVault(1), utcMs: Date.now });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const recorder = (outward = (reference: string) => pseudonyms.of(reference)) =>
  new Recorder({ store, identity: IDENTITY, binder, outward });
const named = (reference: string | null) => (sequence: number) => ({ ...result, sequence, reference });
const left = () => store.read.outbox(10).map(({ payload }) => ({ text: String(payload), ...readMessage(payload) }));

describe("a reference", () => {
  test("of a result leaves as its pseudonym, and is stored as it came", async () => {
    const recorded = await recorder().record(named(NAME));
    expect(recorded.reference).toBe(NAME);
    const [message] = left();
    expect(message?.data).toMatchObject({ reference: PSEUDONYM });
    expect(message?.text).not.toContain("MUELLER");
    expect(store.read.get(result.resultId)?.data).toMatchObject({ reference: NAME });
  });

  test("is found again by either form", async () => {
    await recorder().record(named(NAME));
    for (const form of [NAME, PSEUDONYM]) {
      expect(store.read.findByReference(form).map(({ reference }) => reference)).toEqual([NAME]);
    }
    expect(store.read.findByReference(pseudonyms.of(PSEUDONYM))).toEqual([]);
  });

  test.each<[string, EventData]>([
    [
      "a refusal",
      {
        kind: "ingest-refused",
        reference: NAME,
        fileDigest: null,
        code: "RASTER_FORMAT",
        message: "no image",
        intendedUse: "research-only",
      },
    ],
    [
      "a digest check",
      {
        kind: "digest-check",
        resultId: result.resultId,
        reference: NAME,
        outcome: "matched",
        ok: true,
        checked: 1,
        mismatches: 0,
        code: null,
        device: { kind: "usb", simulated: true },
        durationMs: 1,
        intendedUse: "research-only",
      },
    ],
  ])("in %s leaves as its pseudonym", async (_, event) => {
    await recorder().event(event, 1);
    const [message] = left();
    expect(message?.data).toEqual({ ...event, reference: PSEUDONYM });
  });

  test("that there is none of stays none, and an event without one is as it was", async () => {
    await recorder().record(named(null));
    const event: EventData = { kind: "seal-no-device", waitedMs: 1, results: 1, intendedUse: "research-only" };
    await recorder().event(event, 1);
    expect(left().map(({ data }) => data)).toEqual([expect.objectContaining({ reference: null }), event]);
  });

  test("leaves as it came where that is wanted", async () => {
    await recorder((reference) => reference).record(named(NAME));
    expect(left()[0]?.data).toMatchObject({ reference: NAME });
    expect(store.read.findByReference(NAME).length).toBe(1);
  });
});
