import { expect, test } from "vitest";
import { UsageError } from "../error.ts";
import { fromDifficulty, fromHex, fromNumber } from "./parse.ts";

const refused = (work: () => unknown) => expect(work).toThrow(UsageError);

test("whole numbers are taken within their range, and nothing else", () => {
  expect(fromNumber("--seq", "65535", 0, 65_535)).toBe(65_535);
  for (const text of ["65536", "-1", "1.5", "0x10", "1e3", "", " 7"])
    refused(() => fromNumber("--seq", text, 0, 65_535));
});

test("hexadecimal digits are whole bytes, and as many as are wanted", () => {
  expect(fromHex("--hex", "00fF")).toEqual(Buffer.from([0, 255]));
  expect(fromHex("--commitment", "ab".repeat(32), 32)).toHaveLength(32);
  for (const text of ["0", "0g", "0x00", "00 11"]) refused(() => fromHex("--hex", text));
  refused(() => fromHex("--commitment", "ab".repeat(31), 32));
});

test("a difficulty is a number or a power of two", () => {
  const difficulty = (text: string) => fromDifficulty("--difficulty", text, 2 ** -32, 2 ** 208);
  expect(["256", "0.5", "1e3", "2^-20", "2^8"].map(difficulty)).toEqual([256, 0.5, 1000, 2 ** -20, 256]);
  for (const text of ["0", "-1", "2^-33", "2^209", "3^2", "0x10", "many", "", "NaN"]) refused(() => difficulty(text));
});
