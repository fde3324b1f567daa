import { expect, test } from "vitest";
import { encodeFrame, parseLine } from "../../device/link/frame.ts";
import { explain } from "./explain.ts";
import { shown, unescaped } from "./frame.ts";

const words = (line: string) => {
  const event = parseLine(Buffer.from(line, "latin1"));
  return event === undefined ? [] : explain(event);
};

test("what is shown of a line can be typed back, whatever its bytes", () => {
  const payload = Uint8Array.from({ length: 512 }, (_, i) => i & 0xff);
  const line = encodeFrame({ seq: 1, verb: "BATCH", args: ["2", "root", "a\\x41"], payload }).subarray(0, -1);
  const text = shown(line);
  expect(text).toMatch(/^[\x20-\x7e]+$/);
  expect(unescaped(text).equals(line)).toBe(true);
});

test("requests, replies and notices are told apart", () => {
  const line = (seq: number, verb: string, args: readonly string[]) =>
    words(encodeFrame({ seq, verb, args }).toString("latin1").trimEnd())[0];
  expect(line(7, "HASH", ["616263"])).toBe("HASH is a request; its checksum is right");
  expect(line(7, "OK", ["1a2b3c4d"])).toContain("a reply");
  expect(line(0, "WORK", ["1a2b3c4d"])).toContain("a notice");
  expect(line(9, "WORK", ["STOP", "0000000a"])).toContain("a request");
  expect(line(0, "PING", [])).toContain("no request");
});

test("the boot id, the words and the payload stand on lines of their own", () => {
  const line = encodeFrame({ seq: 2, verb: "OK", args: ["1a2b3c4d", "x"], payload: new Uint8Array([0, 10]) });
  expect(words(line.toString("latin1").trimEnd()).slice(1)).toEqual([
    "number    0002 (2)",
    "boot id   1a2b3c4d",
    "word 1    x",
    "payload   2 bytes: 000a",
  ]);
});

test("what is no frame says why", () => {
  expect(words("I (23) boot")[0]).toContain("log");
  expect(words("~0001 PING 00000000")[0]).toContain("discarded (crc)");
  expect(words("~0001 PING")[0]).toContain("discarded (form)");
});
