import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Canonical, canonicalBytes, canonicalText } from "./canonical.ts";

describe("canonical JSON", () => {
  test("sorts names by UTF-16 code unit, as the example of RFC 8785 §3.2.3", () => {
    const names = {
      "\u20ac": "Euro",
      "\r": "CR",
      "\ufb33": "Dalet",
      "1": "One",
      "\u{1f600}": "Smiley",
      "\u0080": "Control",
      ö: "o",
    };
    expect(canonicalText(names)).toBe(
      '{"\\r":"CR","1":"One","\u0080":"Control","ö":"o","€":"Euro","\u{1f600}":"Smiley","\ufb33":"Dalet"}',
    );
  });

  test("writes text as the example of RFC 8785 §3.2.2 does", () => {
    expect(canonicalText('€$\u000f\nA\'B"\\\\"/')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"');
    expect(canonicalText("\b\t\n\f\r\u0000\u001f\u007f\u2028")).toBe('"\\b\\t\\n\\f\\r\\u0000\\u001f\u007f\u2028"');
  });

  test("writes whole numbers, literals, lists and nested objects without white space", () => {
    expect(canonicalText({ b: [1, -2, 0, -0, 2 ** 53 - 1], a: { z: null, y: true, x: false }, c: [] })).toBe(
      '{"a":{"x":false,"y":true,"z":null},"b":[1,-2,0,0,9007199254740991],"c":[]}',
    );
  });

  test("is UTF-8", () => {
    expect(canonicalBytes("é").toString("hex")).toBe("22c3a922");
  });

  test("is refused to fractions, large numbers, half surrogate pairs and what JSON does not have", () => {
    const bad: unknown[] = [0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, "\ud800", undefined, 5n, () => 0];
    for (const value of bad) expect(() => canonicalText(value as Canonical)).toThrow(/SEAL_CANONICAL/);
    expect(() => canonicalText({ "\udc00": 1 })).toThrow(/SEAL_CANONICAL/);
  });

  test("reads back as the same value, whatever the order of its names was", () => {
    const leaf = fc.oneof(fc.string({ unit: "grapheme" }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null));
    const flat = fc.dictionary(fc.string({ unit: "grapheme" }), fc.oneof(leaf, fc.array(leaf)));
    fc.assert(
      fc.property(flat, (value) => {
        const text = canonicalText(value);
        const turned = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalText(turned)).toBe(text);
        expect(canonicalText(JSON.parse(text))).toBe(text);
      }),
    );
  });
});
