import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeFrame, type Frame, parseLine } from "../../host/device/link/frame.ts";
import { HiddenIds, redactedId } from "../rig/hidden-id.ts";
import { LineRedaction } from "./redaction.ts";

const KEY = "0c3494eaf53cb19048f5c1e9ce0f49103d20042c3bf9fe98bdf07cbba4af29c2";
const key = encodeFrame({ seq: 12, verb: "KEY", args: ["33".repeat(32)] });
const secret = encodeFrame({ seq: 12, verb: "OK", args: ["1a2b3c4d", KEY] });
const ping = encodeFrame({ seq: 13, verb: "OK", args: ["1a2b3c4d"] });
const hello = encodeFrame({ seq: 1, verb: "HELLO", args: ["1", "0a0b0c0d"] });
const helloReply: Frame = { seq: 1, verb: "OK", args: ["1a2b3c4d", "proto=1", "device=a0b1c2d3e4f5", "caps=hash"] };

/** What is kept of `said`, in pieces of these lengths. */
function kept(redaction: LineRedaction, said: Buffer, lengths: readonly number[]): string {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of [...lengths, said.length]) {
    const piece = redaction.read(said.subarray(at, at + length));
    if (piece !== undefined) pieces.push(piece);
    at += length;
  }
  const rest = redaction.end();
  return Buffer.concat(rest === undefined ? pieces : [...pieces, rest]).toString("latin1");
}

describe("what is kept of a line", () => {
  it("is every byte as it came where nothing is secret", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(20)), (bytes, lengths) => {
        const said = Buffer.from(bytes);
        expect(kept(new LineRedaction(), said, lengths)).toBe(said.toString("latin1"));
      }),
    );
  });

  it("holds nothing of a key, wherever its line is cut, damaged or cut short", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40)), fc.nat(secret.length), fc.nat(255), (lengths, at, change) => {
        const redaction = new LineRedaction();
        redaction.wrote(key.subarray(0, 9));
        redaction.wrote(key.subarray(9));
        const damaged = Buffer.from(secret);
        if (at < damaged.length) damaged[at] = (damaged[at] ?? 0) ^ change;
        const said = Buffer.concat([ping, damaged, ping, secret.subarray(0, 60)]);
        const text = kept(redaction, said, lengths);
        for (let digit = 0; digit + 12 <= KEY.length; digit++) expect(text).not.toContain(KEY.slice(digit, digit + 12));
        expect(redaction.redacted).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it("keeps a real device's HELLO as a good line, with another id in it", () => {
    const redaction = new LineRedaction(new HiddenIds());
    redaction.wrote(hello);
    const text = kept(redaction, Buffer.concat([ping, encodeFrame(helloReply), ping]), [30, 5, 7]);
    const [before, reply = "", after] = text.split("\n");
    expect([`${before}\n`, `${after}\n`]).toEqual([ping.toString("latin1"), ping.toString("latin1")]);
    const event = parseLine(Buffer.from(reply, "latin1"));
    if (event?.kind !== "frame") throw new Error("the reply is no frame any more");
    expect(event.frame.args).toEqual(["1a2b3c4d", "proto=1", `device=${redactedId("a0b1c2d3e4f5")}`, "caps=hash"]);
    expect(text).not.toContain("a0b1c2d3e4f5");
    expect(redaction.redacted).toBe(0);
  });

  it("keeps a model's id", () => {
    const redaction = new LineRedaction();
    redaction.wrote(hello);
    expect(kept(redaction, encodeFrame(helloReply), [])).toContain("device=a0b1c2d3e4f5");
  });

  it("is bounded where a line never ends", () => {
    const redaction = new LineRedaction();
    redaction.wrote(key);
    for (let i = 0; i < 100; i++) expect(redaction.read(Buffer.alloc(65_536, 0x61))).toBeUndefined();
    expect(redaction.end()?.length ?? 0).toBeLessThan(140_000);
  });

  it("hides a real device's id in its log, as an address, before it was told, and in a late answer", () => {
    const id = "f412faaabbcc";
    const redaction = new LineRedaction(new HiddenIds([id]));
    const late = encodeFrame({ ...helloReply, args: ["1a2b3c4d", "proto=1", `device=${id}`] });
    redaction.wrote(hello);
    redaction.wrote(encodeFrame({ seq: 1, verb: "PING", args: [] }));
    const log = `I (312) wifi:mode : sta (f4:12:fa:aa:bb:cc)\nI (512) lv06: device=${id} at your service\n`;
    const text = kept(redaction, Buffer.concat([Buffer.from(log), late, Buffer.from(`cut ${id}`)]), [9, 30, 40]);
    expect(text).not.toMatch(/f4:?12:?fa/i);
    expect(text.split(redactedId(id))).toHaveLength(5);
  });

  it("hides an id that only HELLO told from then on, on every line of the device", () => {
    const hidden = new HiddenIds();
    const redaction = new LineRedaction(hidden);
    kept(redaction, encodeFrame(helloReply), []);
    expect(kept(redaction, Buffer.from("I am a0b1c2d3e4f5\n"), [])).not.toContain("a0b1c2d3e4f5");
    expect(kept(new LineRedaction(hidden), Buffer.from("a0:b1:c2:d3:e4:f5\n"), [])).not.toContain("a0:b1");
  });
});
