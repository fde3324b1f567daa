import { hash } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { Outcome } from "../pipeline/pipeline.ts";
import type { ImageRequest, Stated } from "../pipeline/request.ts";
import { Duplicates } from "./duplicates.ts";

const A = Buffer.from("a film");
const B = Buffer.from("another film");
const served: Outcome = { kind: "result", recorded: true, data: {} as never };
const request = (id: string, bytes: Buffer, stated: Stated = {}): ImageRequest => {
  return { id, bytes, reference: null, mode: "inference", stated };
};

let results: Map<string, string>;
let processed: string[];
let skipped: number;
let outcome: () => Promise<Outcome>;
const duplicates = new Duplicates({
  process: async ({ id, bytes }) => {
    processed.push(id);
    const made = await outcome();
    if (made.kind === "result") results.set(hash("sha256", bytes), id);
    return made;
  },
  resultOf: (digest) => results.get(digest) ?? null,
  skipped: () => {
    skipped += 1;
  },
});

beforeEach(() => {
  [results, processed, skipped] = [new Map(), [], 0];
  outcome = async () => served;
});

describe("where duplicates are skipped", () => {
  test("a file with the bytes of one that has its result is known, and counted; another one is processed", async () => {
    expect(await duplicates.process(request("1", A))).toBe(served);
    expect(await duplicates.process(request("2", A))).toMatchObject({ kind: "known", code: "INGEST_DUPLICATE" });
    expect(await duplicates.process(request("3", B))).toBe(served);
    expect([processed, skipped]).toEqual([["1", "3"], 1]);
  });

  test("of two that come together one is processed", async () => {
    const both = await Promise.all([duplicates.process(request("1", A)), duplicates.process(request("2", A))]);
    expect(both.map(({ kind }) => kind)).toEqual(["result", "known"]);
    expect(processed).toEqual(["1"]);
  });

  test("of several the next is processed where the first could not be served, or failed", async () => {
    const outcomes = [
      async (): Promise<Outcome> => ({ kind: "unavailable", code: "X", message: "" }),
      () => Promise.reject(new Error("broken")),
      async () => served,
    ];
    outcome = () => (outcomes.shift() ?? (async () => served))();
    const all = await Promise.allSettled(["1", "2", "3", "4"].map((id) => duplicates.process(request(id, A))));
    expect(all.map((one) => (one.status === "fulfilled" ? one.value.kind : "failed"))).toEqual([
      "unavailable",
      "failed",
      "result",
      "known",
    ]);
  });

  test("what comes with words about it is processed, whatever was before", async () => {
    await duplicates.process(request("1", A));
    await duplicates.process(request("2", A, { ageYears: 3 }));
    expect(processed).toEqual(["1", "2"]);
  });

  test("a file is no duplicate of its own result", async () => {
    await duplicates.process(request("1", A));
    await duplicates.process(request("1", A));
    expect([processed, skipped]).toEqual([["1", "1"], 0]);
  });
});
