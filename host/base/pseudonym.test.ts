import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Pseudonyms } from "./pseudonym.ts";

/** Bytes 32 to 63. What is expected of it was computed with Python's hmac and base64. */
const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index + 32));
const pseudonyms = new Pseudonyms(KEY);

describe("pseudonyms", () => {
  test.each([
    ["ACC-1", "p1-nys2hwywkdwtgnb7oh3lhsbfup"],
    ["Müller, Käthe.png", "p1-4sgsmv44etsxxzqr4sm5wgi6ky"],
  ])("of %s is what another implementation makes", (reference, name) => {
    expect(pseudonyms.of(reference)).toBe(name);
  });

  test("differ with the reference and with the key, and with nothing else", () => {
    const other = new Pseudonyms(Buffer.alloc(32, 7));
    const names = ["", "a", "A", "a ", "ACC-1", pseudonyms.of("a")].flatMap((text) => [
      pseudonyms.of(text),
      other.of(text),
    ]);
    expect(new Set(names).size).toBe(12);
    for (const name of names) expect(name).toMatch(/^p1-[a-z2-7]{26}$/);
    expect(new Pseudonyms(KEY).of("a")).toBe(pseudonyms.of("a"));
  });

  test("tell which key they are of by a name that is not the key", () => {
    expect(pseudonyms.keyId).toMatch(/^[0-9a-f]{16}$/);
    expect(pseudonyms.keyId).toBe(new Pseudonyms(KEY).keyId);
    expect(pseudonyms.keyId).not.toBe(new Pseudonyms(Buffer.alloc(32, 7)).keyId);
    expect(KEY.toString("hex")).not.toContain(pseudonyms.keyId);
  });

  test("need a key of 32 bytes, and do not show it", () => {
    expect(() => new Pseudonyms(KEY.subarray(1))).toThrow(RangeError);
    expect(inspect(pseudonyms, { depth: 9, showHidden: true })).not.toMatch(/20 21 22|202122|32, 33/);
  });
});
