import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { boundResult, commitmentOf, type ResultToBind } from "./commitment.ts";
import { sampleResult } from "./testing/samples.ts";

describe("a commitment", () => {
  test("is SHA-256 of the tag, a zero byte and this text", () => {
    const [a, b, c, d] = ["a", "b", "c", "d"].map((digit) => digit.repeat(64)) as [string, string, string, string];
    const text =
      `{"appliance":"ward-3","assessed":true,"attentionDigest":"${c}","attentionVersion":"attention-v1","decision":"positive",` +
      `"fileDigest":"${a}","label":"pneumonia","modelDigest":"${d}","pattern":"A","precision":"int8","probability":"0.9700",` +
      `"rasterDigest":"${b}","reasons":["A_1","B"],"resultId":"r-1","sequence":12,"simulated":false,"threshold":"0.5000","utcMs":1790000000000}`;
    const result: ResultToBind = {
      ...sampleResult(12),
      resultId: "r-1",
      time: { utcMs: 1_790_000_000_000 },
      input: { fileDigest: a, rasterDigest: b },
      attention: { version: "attention-v1", digest: c },
      model: { digest: d, precision: "int8", pattern: "A" },
      probability: 0.97,
      reasons: ["B", "A_1"],
    };
    const expected = createHash("sha256").update(`lv06/commitment/1\0${text}`).digest("hex");
    expect(commitmentOf(boundResult(result)).toString("hex")).toBe(expected);
  });

  test("changes with every bound field", () => {
    const bound = boundResult(sampleResult(1));
    const digest = "0".repeat(64);
    const changes = {
      resultId: "x",
      sequence: 2,
      utcMs: 1,
      appliance: "x",
      fileDigest: digest,
      rasterDigest: digest,
      attentionVersion: "x",
      attentionDigest: null,
      modelDigest: digest,
      precision: "x",
      pattern: "B",
      label: null,
      decision: null,
      probability: null,
      threshold: null,
      assessed: false,
      reasons: ["X"],
      simulated: true,
    } as const;
    expect(Object.keys(changes).sort()).toEqual(Object.keys(bound).sort());
    const commitments = Object.entries(changes).map(([name, value]) =>
      commitmentOf({ ...bound, [name]: value }).toString("hex"),
    );
    commitments.push(commitmentOf(bound).toString("hex"));
    expect(new Set(commitments).size).toBe(commitments.length);
  });

  test("ignores what is not bound, such as the caller's reference and timing", () => {
    const result = { ...sampleResult(1), reference: "acc-1", timingMs: { total: 3 }, cached: true };
    expect(commitmentOf(boundResult(result))).toEqual(commitmentOf(boundResult(sampleResult(1))));
  });

  test("is refused by the name of the field that cannot be bound", () => {
    const bad: [Partial<ResultToBind>, RegExp][] = [
      [{ resultId: "a b" }, /resultId/],
      [{ sequence: 0 }, /sequence/],
      [{ sequence: 1.5 }, /sequence/],
      [{ time: { utcMs: -1 } }, /utcMs/],
      [{ appliance: "" }, /appliance/],
      [{ label: "\ud800" }, /label/],
      [{ probability: 0.12345 }, /probability 0.12345/],
      [{ probability: 1.1 }, /probability/],
      [{ threshold: -0.1 }, /threshold/],
      [{ probability: Number.NaN }, /probability/],
      [{ reasons: ["lower"] }, /reasons/],
      [{ decision: "maybe" }, /decision/],
      [{ model: { digest: "0".repeat(64), precision: "int8", pattern: "D" } }, /pattern/],
      [{ attention: { version: "v", digest: "A".repeat(64) } }, /attentionDigest/],
    ];
    for (const [change, words] of bad) {
      const bind = () => boundResult(sampleResult(1, change));
      expect(bind).toThrow(words);
      expect(bind).toThrow(/SEAL_RESULT/);
    }
  });

  test("takes the ends of the range, and both zeros", () => {
    for (const [value, text] of [
      [0, "0.0000"],
      [-0, "0.0000"],
      [1, "1.0000"],
      [0.0001, "0.0001"],
    ] as const) {
      expect(boundResult(sampleResult(1, { probability: value })).probability).toBe(text);
    }
  });
});
