import { describe, expect, test } from "vitest";
import { RAW_CHARS_MAX, redactedJson } from "./redact.ts";

const shown = (value: unknown): unknown => JSON.parse(redactedJson(value) ?? "null");

describe("an answer that is kept", () => {
  test.each(["wifiPass", "stratumPassword", "clientSecret", "apiToken", "stratumCert", "privateKey", "PASSWORD"])(
    "does not hold %s, wherever it is and whatever it holds",
    (name) => {
      for (const value of ["opens", 7, ["opens"], { inner: "opens" }]) {
        expect(shown({ [name]: value })).toEqual({ [name]: "(hidden)" });
        expect(shown({ pools: [{ id: 1, [name]: value }] })).toEqual({ pools: [{ id: 1, [name]: "(hidden)" }] });
      }
    },
  );

  test("holds the rest as it came", () => {
    const answer = { hashRate: 430.1, stratumUser: "lv06", pools: [{ id: 0 }, null, true], temp: null, note: "päss" };
    expect(shown(answer)).toEqual(answer);
  });

  test("is bounded in depth, items and length", () => {
    const deep = (levels: number): unknown => (levels === 0 ? "bottom" : { in: deep(levels - 1) });
    expect(redactedJson(deep(7))).toContain("bottom");
    expect(redactedJson(deep(20))).not.toContain("bottom");
    expect(shown({ list: Array(1000).fill(1) })).toEqual({ list: Array(512).fill(1) });
    const text = (length: number) => ({ a: "x".repeat(length) });
    expect(redactedJson(text(RAW_CHARS_MAX - 8))).toHaveLength(RAW_CHARS_MAX);
    expect(redactedJson(text(RAW_CHARS_MAX - 7))).toBeNull();
  });
});
