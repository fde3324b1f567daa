import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LineDecoder } from "./decoder.ts";
import { encodeFrame, type Frame, type LinkEvent } from "./frame.ts";

const MAX_LINE = 256;
const chars = (alphabet: string) => fc.constantFrom(...alphabet);
const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const printable = String.fromCharCode(...Array.from({ length: 94 }, (_, i) => 33 + i));
const heads = fc.record({
  seq: fc.nat(0xffff),
  verb: fc
    .tuple(chars(upper), fc.string({ unit: chars(`${upper}0123456789_`), maxLength: 15 }))
    .map(([head, tail]) => head + tail),
  args: fc.array(
    fc.string({ unit: chars(printable), minLength: 1, maxLength: 30 }).filter((word) => !word.startsWith(":")),
    { maxLength: 4 },
  ),
});
const payloads = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const frames: fc.Arbitrary<Frame> = fc
  .tuple(heads, fc.option(payloads, { nil: undefined }))
  .map(([head, payload]) => (payload === undefined ? head : { ...head, payload }));
const noise = fc.uint8Array({ maxLength: 400 });
const pieces = fc.array(fc.oneof(frames.map(encodeFrame), noise, fc.constant(Buffer.from("\n"))), { maxLength: 12 });

const decodeAll = (bytes: Uint8Array) => new LineDecoder(MAX_LINE).push(bytes);
const framesOf = (events: readonly LinkEvent[]) =>
  events.flatMap((event) => (event.kind === "frame" ? [event.frame] : []));

describe("LineDecoder", () => {
  it("reads back every frame that was written", () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeAll(encodeFrame(frame))).toEqual([{ kind: "frame", frame }]);
      }),
    );
  });

  it("gives the same events however the bytes are cut", () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(3000), { maxLength: 20 }), (parts, cuts) => {
        const bytes = Buffer.concat(parts);
        const decoder = new LineDecoder(MAX_LINE);
        const edges = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const events = edges.flatMap((edge, i) => decoder.push(bytes.subarray(edges[i - 1] ?? 0, edge)));
        expect(events).toEqual(decodeAll(bytes));
      }),
    );
  });

  it("does not count the one carriage return that ends a line of full length, however it is cut", () => {
    const args = ["x".repeat(MAX_LINE - "~0001 A  00000000\n".length)];
    const full = encodeFrame({ seq: 1, verb: "A", args }).subarray(0, -1);
    const kind = (cut: number, end: string) => {
      const bytes = Buffer.concat([full, Buffer.from(`${end}\n~0001 A`)]);
      const decoder = new LineDecoder(MAX_LINE);
      const [event] = [...decoder.push(bytes.subarray(0, cut)), ...decoder.push(bytes.subarray(cut))];
      return event?.kind === "discarded" ? event.reason : event?.kind;
    };
    expect(full).toHaveLength(MAX_LINE - 1);
    for (let cut = 0; cut <= MAX_LINE + 3; cut++) {
      expect([kind(cut, ""), kind(cut, "\r")]).toEqual(["frame", "frame"]);
      expect(["x", "\r\r", "x\r", "xx\r"].map((end) => kind(cut, end))).toEqual(Array(4).fill("long"));
    }
  });

  it("never takes a damaged frame for one with other contents", () => {
    fc.assert(
      fc.property(frames, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.constantFrom(...damages), (...args) => {
        const [frame, at, mask, damage] = args;
        const sound = Buffer.from(encodeFrame(frame));
        const got = framesOf(decodeAll(Buffer.concat([damage(sound, at % sound.length, mask), Buffer.from("\n")])));
        for (const each of got) expect(each).toEqual(frame);
      }),
      { numRuns: 2000 },
    );
  });

  it("rejects each of the single-bit errors in a digest reply", () => {
    const sound = Buffer.from(encodeFrame({ seq: 7, verb: "OK", args: ["1a2b3c4d", "ab".repeat(32)] }));
    for (let bit = 0; bit < (sound.length - 1) * 8; bit++) {
      const bytes = Buffer.from(sound);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(framesOf(decodeAll(bytes))).toEqual([]);
    }
  });

  it("finds the next frame after any garbage that ends in a line feed", () => {
    fc.assert(
      fc.property(noise, frames, (garbage, frame) => {
        const bytes = Buffer.concat([garbage, Buffer.from("\n"), encodeFrame(frame)]);
        expect(framesOf(decodeAll(bytes)).at(-1)).toEqual(frame);
      }),
    );
  });

  it.each([
    ["~", "discarded"],
    ["\u001b[0m~", "discarded"],
    ["x", "log"],
  ])("keeps no more than a little of an endless line %j, names it once, and reads on behind it", (start, kind) => {
    const decoder = new LineDecoder(MAX_LINE);
    decoder.push(Buffer.from(start));
    for (let i = 0; i < 1000; i++) expect(decoder.push(Buffer.alloc(1000, "x"))).toEqual([]);
    const events = decoder.push(Buffer.concat([Buffer.from("\n"), encodeFrame({ seq: 1, verb: "OK", args: [] })]));
    expect(events.map((event) => event.kind)).toEqual([kind, "frame"]);
    const long = kind === "log" ? 0 : 1;
    expect(decoder.counters).toEqual({ frames: 1, logs: 1 - long, discarded: { long, bytes: 0, form: 0, crc: 0 } });
  });

  it("accepts a line as long as the limit and refuses one byte more", () => {
    const line = (bytes: number) => encodeFrame({ seq: 1, verb: "PING", args: ["x".repeat(bytes - 21)] });
    expect(decodeAll(line(MAX_LINE))[0]?.kind).toBe("frame");
    expect(decodeAll(line(MAX_LINE + 1))).toEqual([{ kind: "discarded", reason: "long" }]);
  });

  it("is not put off by a high byte at the end of a line", () => {
    const bytes = Buffer.concat([Buffer.from([0x41, 0xc3, 0x0a]), encodeFrame({ seq: 1, verb: "OK", args: [] })]);
    expect(decodeAll(bytes).map((event) => event.kind)).toEqual(["log", "frame"]);
  });

  it("hands over log lines without their colours", () => {
    expect(decodeAll(Buffer.from("\u001b[0;32mI (1) up\u001b[0m\r\n"))).toEqual([{ kind: "log", text: "I (1) up" }]);
  });
});

describe("encodeFrame", () => {
  it.each([
    { seq: -1, verb: "PING", args: [] },
    { seq: 65536, verb: "PING", args: [] },
    { seq: 1.5, verb: "PING", args: [] },
    { seq: 1, verb: "ping", args: [] },
    { seq: 1, verb: "PING", args: ["two words"] },
    { seq: 1, verb: "PING", args: [""] },
    { seq: 1, verb: "PING", args: ["line\nfeed"] },
    { seq: 1, verb: "PING", args: [":colon"] },
    { seq: 1, verb: "PING", args: [], payload: new Uint8Array() },
  ])("refuses $seq $verb $args", (frame) => {
    expect(() => encodeFrame(frame)).toThrow(RangeError);
  });
});

/** Kinds of damage at one place of a line. */
const damages: readonly ((bytes: Buffer, at: number, mask: number) => Buffer)[] = [
  (bytes, at, mask) => {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ mask;
    return copy;
  },
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
  (bytes, at, mask) => Buffer.concat([bytes.subarray(0, at), Buffer.from([mask]), bytes.subarray(at)]),
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at) => bytes.subarray(at),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes]),
  (bytes, at) => {
    const copy = Buffer.from(bytes);
    copy[at] = bytes[at + 1] ?? 0;
    if (at + 1 < copy.length) copy[at + 1] = bytes[at] ?? 0;
    return copy;
  },
];
