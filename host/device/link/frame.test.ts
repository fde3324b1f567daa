import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { encodeFrame, frameBytes, LOG_CHARS, parseLine } from "./frame.ts";

const signed = (head: string) => `${head}${crc32(Buffer.from(head, "latin1")).toString(16).padStart(8, "0")}`;
const read = (line: string) => parseLine(Buffer.from(line, "latin1"));
const reason = (line: string) => {
  const event = read(line);
  return event?.kind === "discarded" ? event.reason : event?.kind;
};

describe("a line that begins with ~ and is no frame", () => {
  it.each([
    ["bytes", "a control character", signed("~0001 PI\u0001NG ")],
    ["bytes", "NUL", signed("~0001 PING\u0000 ")],
    ["bytes", "a high byte, as in UTF-8", signed("~0001 PING \u00c3\u00a9 ")],
    ["bytes", "a carriage return inside", signed("~0001 PING\r ")],
    ["bytes", "a high byte before the payload, whatever else is wrong", "~\u00ff :x"],
    ["form", "nothing behind the tilde", "~"],
    ["form", "a sequence number in capitals", signed("~00AB PING ")],
    ["form", "five digits of sequence number", signed("~00001 PING ")],
    ["form", "no checksum", "~0001 PING"],
    ["form", "a checksum in capitals", `${signed("~0001 PING ").toUpperCase()}`],
    ["form", "a checksum of seven digits", signed("~0001 PING ").slice(0, -1)],
    ["form", "nothing between number and checksum", signed("~0001 ")],
    ["form", "only a space between them", signed("~0001  ")],
    ["crc", "another checksum", "~0001 PING 00000000"],
    ["crc", "two frames in one line", signed("~0001 PING ") + signed("~0002 PING ")],
    ["form", "a verb in small letters", signed("~0001 ping ")],
    ["form", "a verb that begins with a digit", signed("~0001 1PING ")],
    ["form", "a verb of 17 characters", signed(`~0001 ${"A".repeat(17)} `)],
    ["form", "two spaces between words", signed("~0001 HASH  616263 ")],
    ["form", "a space too many at the end", signed("~0001 PING  ")],
    ["form", "an empty payload", signed("~0001 PING : ")],
    ["form", "a payload that stands for no bytes", signed("~0001 PING :\u000b ")],
    ["form", "a group that reaches over the payload's end", signed("~0001 PING :\u000fx ")],
    ["form", "a payload without a verb", signed("~0001 :\u0008x ")],
  ])("is discarded as %s: %s", (expected, _, line) => {
    expect(reason(line)).toBe(expected);
  });
});

describe("a frame", () => {
  it.each([
    ["as it is", "", ""],
    ["with a carriage return", "", "\r"],
    ["with colours around it", "\u001b[0;32m", "\u001b[0m"],
    ["with two colours before and a carriage return after it", "\u001b[1m\u001b[0;31m", "\u001b[0m\r"],
  ])("is read %s", (_, before, after) => {
    const frame = { seq: 7, verb: "OK", args: ["1a2b3c4d"] };
    expect(read(`${before}${signed("~0007 OK 1a2b3c4d ")}${after}`)).toEqual({ kind: "frame", frame });
  });

  it("may have any words but those that begin with a colon", () => {
    expect(read(signed(`${"~ffff A_1 ~!{}\u007e a:b ::".replace(" ::", "")} `))).toMatchObject({
      frame: { seq: 65535, verb: "A_1", args: ["~!{}~", "a:b"] },
    });
  });

  it("keeps what looks like colour, a colon or a frame inside its payload", () => {
    const payload = Buffer.from("\u001b[0m :~0001 PING \r\n\u0000\u001b[0m", "latin1");
    const line = encodeFrame({ seq: 1, verb: "BATCH", args: ["1", "root"], payload });
    expect(read(line.toString("latin1", 0, line.length - 1))).toMatchObject({ frame: { payload } });
  });

  it("is as long as it says", () => {
    const frame = { seq: 1, verb: "BATCH", args: ["64", "digests"], payload: Buffer.alloc(700, 3) };
    expect(encodeFrame(frame).length).toBe(frameBytes(frame));
    expect(encodeFrame({ ...frame, payload: Buffer.alloc(254, 1) }).length).toBe(
      frameBytes({ ...frame, payload: Buffer.alloc(254, 1) }),
    );
    expect(encodeFrame({ seq: 1, verb: "PING", args: [] }).length).toBe(frameBytes({ verb: "PING", args: [] }));
  });
});

describe("log", () => {
  it("is shown without colours, and with printable characters only", () => {
    expect(read("\u001b[0;32mI (1) caf\u00c3\u00a9\u0000\u001b]0;x\u0007 up\u001b[0m\r")).toEqual({
      kind: "log",
      text: "I (1) caf????]0;x? up",
    });
  });
  it("is cut", () => {
    expect(read("x".repeat(10_000))).toEqual({ kind: "log", text: "x".repeat(LOG_CHARS) });
  });
  it.each(["", "\r", "\u001b[0m"])("is not an empty line: %j", (line) => {
    expect(read(line)).toBeUndefined();
  });
});
