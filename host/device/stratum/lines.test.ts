import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter } from "./lines.ts";

test("lines come out whole, wherever they were split", () => {
  const line = fc.string({ maxLength: 20, unit: "binary" }).map((text) => text.replace(/\n/g, "").trim());
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (lines, sizes) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\r\n`).join(""));
      const splitter = new LineSplitter(200);
      const out: string[] = [];
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        out.push(...splitter.feed(bytes.subarray(at, at + size)).lines);
        at += size;
      }
      expect(out).toEqual(lines);
      expect(splitter.pendingBytes).toBe(0);
    }),
  );
});

test("a line of exactly the limit passes, one byte more does not, ended or not", () => {
  expect(new LineSplitter(4).feed(Buffer.from("abcd\n"))).toEqual({ lines: ["abcd"], tooLong: false });
  expect(new LineSplitter(4).feed(Buffer.from("ab\nabcde\nab\n"))).toEqual({ lines: ["ab"], tooLong: true });
  expect(new LineSplitter(4).feed(Buffer.from("abcde"))).toEqual({ lines: [], tooLong: true });
});

test("never more than the limit waits for its end", () => {
  const splitter = new LineSplitter(100);
  for (let i = 0; i < 100; i++) expect(splitter.feed(Buffer.from("x")).tooLong).toBe(false);
  expect(splitter.pendingBytes).toBe(100);
  expect(splitter.feed(Buffer.from("x")).tooLong).toBe(true);
  expect(splitter.pendingBytes).toBe(0);
});
