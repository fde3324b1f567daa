import { expect, test } from "vitest";
import { encodeFrame } from "../../host/device/link/frame.ts";
import type { Passed } from "../rig/report.ts";
import { linesOf, printable, TEXT_CHARS } from "./frames.ts";

const passed = (atUs: number, direction: Passed["direction"], bytes: Uint8Array | string): Passed => ({
  ...{ atUs, direction },
  bytes: typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes,
});

test("chunks become lines, whatever cuts them, at the time of their first byte", () => {
  const line = encodeFrame({ seq: 3, verb: "PING", args: [] });
  const lines = linesOf("usb", [
    passed(10, "write", line.subarray(0, 4)),
    passed(20, "read", "log one\nlog "),
    passed(25, "write", line.subarray(4, 6)),
    passed(30, "write", line.subarray(6)),
    passed(40, "read", "two\n"),
  ]);
  expect(lines.map(({ atUs, direction, verb, text }) => [atUs, direction, verb, text])).toEqual([
    [20, "read", "log", "log one"],
    [10, "write", "PING", line.toString("latin1").trimEnd()],
    [20, "read", "log", "log two"],
  ]);
});

test("an error is named with its code, damage with its reason, an open end as unfinished", () => {
  const error = encodeFrame({ seq: 3, verb: "ERR", args: ["0badc0de", "LENGTH"] });
  const damaged = Buffer.from(error);
  damaged[8] = 0x41;
  const lines = linesOf("usb", [passed(1, "read", error), passed(2, "read", damaged), passed(3, "read", "~0003 O")]);
  expect(lines.map(({ verb, bad }) => [verb, bad])).toEqual([
    ["ERR LENGTH", false],
    ["discarded: crc", true],
    ["unfinished", true],
  ]);
});

test("Stratum lines are named by their method, or by how they answer", () => {
  const said = [
    '{"id":1,"method":"mining.subscribe","params":[]}',
    '{"id":1,"result":true,"error":null}',
    '{"id":2,"result":null,"error":[21,"stale",null]}',
    "hello",
  ];
  const lines = linesOf("stratum", [passed(1, "read", `${said.join("\n")}\n`)]);
  expect(lines.map(({ verb }) => verb)).toEqual(["mining.subscribe", "result", "error", "not JSON"]);
});

test("bytes that cannot be printed are written out, and a long line is cut", () => {
  expect(printable(Uint8Array.of(0x00, 0x41, 0x5c, 0xff, 0x1b))).toBe("\\x00A\\\\\\xff\\x1b");
  expect(printable(Buffer.alloc(TEXT_CHARS + 5, "a"))).toBe(`${"a".repeat(TEXT_CHARS)} … 5 bytes more`);
});
