import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CAPABILITIES } from "../../host/device/device.ts";
import { ABILITIES } from "../rig/bench.ts";
import { encodeRecording } from "./encode.ts";
import { RecordingError } from "./error.ts";
import { type Control, type Event, type Header, MOST_EVENTS, MOST_FILE_BYTES, MOST_LINE_BYTES } from "./format.ts";
import { parseRecording } from "./parse.ts";
import { EVENTS, HEADER, w } from "./testing/samples.ts";

const FILE = encodeRecording(HEADER, EVENTS);
const LINES = FILE.toString().trimEnd().split("\n");

/** The code and the words with which a file is refused. */
function refusalOf(bytes: Uint8Array | string): string {
  try {
    parseRecording(Buffer.from(bytes));
    return "read";
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
    return `${error.code} ${error.detail}`;
  }
}

const codeOf = (bytes: Uint8Array | string) => refusalOf(bytes).split(" ")[0];

/** Lines with an end record that fits them, as nobody but a newer rig or a forger writes it. */
function resealed(lines: readonly string[], change: (end: Record<string, unknown>) => object = (end) => end): string {
  const text = `${lines.join("\n")}\n`;
  const { sha256: _, ...end } = JSON.parse(LINES.at(-1) ?? "").end;
  const said = change(end);
  const sha256 = createHash("sha256").update(text).update(JSON.stringify(said)).digest("hex");
  return `${text}${JSON.stringify({ end: { ...said, sha256 } })}\n`;
}

const body = LINES.slice(0, -1);

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((all) => Buffer.from(all)),
  fc.string({ maxLength: 40 }).map((text) => Buffer.from(text.replace(/[^\x20-\x7e]/g, "~"))),
);
const connection = fc.integer({ min: 1, max: 5 });
const control: fc.Arbitrary<Control> = fc.oneof(
  fc.record({ op: fc.constant("open" as const), rated: fc.boolean() }),
  fc.record({
    op: fc.constant("open" as const),
    rated: fc.boolean(),
    error: fc.record({ code: fc.string(), detail: fc.string() }),
  }),
  fc.record({ op: fc.constant("baud" as const), baud: fc.integer({ min: 1, max: 4_000_000 }) }),
  fc.record({ op: fc.constant("lines" as const), dtr: fc.boolean(), rts: fc.boolean() }),
  fc.constant({ op: "accept" } as const),
  fc.record({
    op: fc.constant("close" as const),
    by: fc.constantFrom("host" as const, "device" as const),
    reason: fc.string(),
  }),
  fc.record({
    op: fc.constant("act" as const),
    ability: fc.constantFrom("restart" as const, "crash" as const, "replug" as const),
  }),
);
type Untimed = Event extends infer One ? (One extends Event ? Omit<One, "atUs"> : never) : never;
const untimed: fc.Arbitrary<Untimed> = fc.oneof(
  fc.record({ code: fc.constantFrom("w" as const, "r" as const), connection, bytes }),
  fc.record({ code: fc.constant("c" as const), connection, control }),
  fc.record({ code: fc.constant("m" as const), text: fc.string() }),
  fc.record({ code: fc.constant("x" as const), fault: fc.record({ kind: fc.string() }) }),
);
const events = fc.array(fc.tuple(fc.nat(1_000_000), untimed), { maxLength: 30 }).map((all) => {
  let atUs = 0;
  return all.map(([after, event]): Event => {
    atUs += after;
    return { ...event, atUs };
  });
});
const header: fc.Arbitrary<Header> = fc.record({
  format: fc.constant("lv06/recording/1" as const),
  case: fc.record({ id: fc.constantFrom("usb/a", "stratum/b-2/c"), suite: fc.string() }),
  target: fc.record({ name: fc.string(), kind: fc.constantFrom("model" as const, "real" as const) }),
  transport: fc.constantFrom("usb" as const, "stratum" as const),
  simulated: fc.boolean(),
  device: fc.record({ id: fc.string(), firmware: fc.string(), capabilities: fc.subarray([...CAPABILITIES]) }),
  can: fc.subarray([...ABILITIES]),
  host: fc.record({ version: fc.string(), commit: fc.option(fc.string()), dirty: fc.boolean() }),
  runtime: fc.string(),
  seed: fc.integer({ min: 0, max: 0xffff_ffff }),
  startedUtcMs: fc.double({ min: 0, max: 1e13, noNaN: true }).map((ms) => ms + 0),
  framing: fc.constantFrom("recorded" as const, "reconstructed" as const),
});

describe("the format", () => {
  it("gives back what was written, whatever it is", () => {
    fc.assert(
      fc.property(header, events, fc.nat(9), (head, all, redacted) => {
        const file = encodeRecording(head, all, "passed", redacted);
        const back = parseRecording(file);
        expect(back.header).toEqual(head);
        expect(back.events).toEqual(all);
        expect(back.end).toMatchObject({ events: all.length, redacted, verdict: "passed" });
        expect(encodeRecording(back.header, back.events, "passed", redacted).equals(file)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("refuses every change of one byte by name", () => {
    fc.assert(
      fc.property(fc.nat(FILE.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const edited = Buffer.from(FILE);
        edited[at] = (edited[at] ?? 0) ^ change;
        expect(codeOf(edited)).toMatch(/^RECORDING_(EDITED|FORM|TRUNCATED|UNKNOWN|VERSION)$/);
      }),
      { numRuns: 1000 },
    );
  });

  it("refuses whatever it was cut to, and never throws anything else", () => {
    for (let length = 1; length < FILE.length; length++) {
      expect(codeOf(FILE.subarray(0, length))).toMatch(/^RECORDING_(TRUNCATED|FORM)$/);
    }
  });

  it("cuts large chunks, so that no line is too long", () => {
    const big = w(5, "\xff".repeat(3_000_000));
    const back = parseRecording(encodeRecording(HEADER, [big]));
    expect(back.events.length).toBeGreaterThan(10);
    expect(Buffer.concat(back.events.map((event) => ("bytes" in event ? event.bytes : Buffer.alloc(0)))).length).toBe(
      3_000_000,
    );
  });

  it("keeps text as text, and only what is none as base64", () => {
    expect(LINES[3]).toBe('[30,"w","~0001 PING 3a56d140\\n"]');
    expect(LINES[7]).toBe('[1700,"r",{"base64":"AP/p"}]');
  });
});

describe("a file that is no good", () => {
  it("is refused as empty", () => {
    expect(codeOf("")).toBe("RECORDING_EMPTY");
  });

  it.each([
    ["a picture", Buffer.from("89504e470d0a1a0a", "hex")],
    ["words", "hello\n"],
    ["another program's NDJSON", '{"version":3,"term":{}}\n[0.1,"o","hi"]\n'],
    ["a list", "[]\n"],
    ["an empty line", "\n"],
    ["a format without a number", '{"format":"lv06/recording/"}\n'],
    ["a format with an odd number", '{"format":"lv06/recording/01"}\n'],
  ])("is refused as no recording: %s", (_, file) => {
    expect(codeOf(file)).toBe("RECORDING_FORM");
  });

  it("is refused where it is not UTF-8", () => {
    expect(codeOf(Buffer.from(FILE.toString().replace("half", "h\xe9lf"), "latin1"))).toBe("RECORDING_FORM");
  });

  it("is refused as of a newer rig, whatever else it holds", () => {
    const future = HEADER.format.replace("/1", "/2");
    expect(refusalOf(`${JSON.stringify({ format: future, colour: 1 })}\n`)).toBe(
      "RECORDING_VERSION format 2; this rig reads 1",
    );
  });

  it("is refused as truncated without its end", () => {
    expect(codeOf(`${body.join("\n")}\n`)).toBe("RECORDING_TRUNCATED");
    expect(codeOf(FILE.subarray(0, -1))).toBe("RECORDING_TRUNCATED");
    expect(codeOf(`${FILE.toString()}[1,"m","more"]\n`)).toBe("RECORDING_TRUNCATED");
  });

  it("is refused as edited where a line is gone, doubled or moved", () => {
    expect(codeOf([...LINES.toSpliced(3, 1), ""].join("\n"))).toBe("RECORDING_EDITED");
    expect(codeOf([...LINES.toSpliced(3, 0, LINES[3] ?? ""), ""].join("\n"))).toBe("RECORDING_EDITED");
    expect(codeOf([...LINES.with(2, LINES[3] ?? "").with(3, LINES[2] ?? ""), ""].join("\n"))).toBe("RECORDING_EDITED");
  });

  it("is refused as edited where only the sum over the file was made to fit", () => {
    expect(codeOf(resealed(body))).toBe("read");
    const changed = body.map((line) => line.replace("PING", "PONG"));
    expect(refusalOf(resealed(changed))).toContain('RECORDING_EDITED "w" has 22 bytes in 2 chunks');
    expect(codeOf(resealed(body.slice(0, -1)))).toBe("RECORDING_EDITED");
    expect(codeOf(resealed(body, (end) => ({ ...end, r: end.w })))).toBe("RECORDING_EDITED");
    const back = [...body.slice(0, -1), '[1,"c",{"op":"close","by":"host","reason":"pulled"}]'];
    expect(refusalOf(resealed(back))).toBe("RECORDING_EDITED an event at 1 µs follows one at 1700 µs");
  });

  it.each([
    ["an event", body.with(5, '[1500,"z","half"]'), 'line 6 is an event "z"'],
    ["a control", body.with(1, '[10,"c",{"op":"dance"}]'), "line 2, 2.op"],
    ["a header field", body.with(0, (body[0] ?? "").replace("{", '{"colour":"red",')), "line 1"],
    [
      "a field inside the header",
      body.with(0, (body[0] ?? "").replace('"host":{', '"host":{"os":"x",')),
      "line 1, host",
    ],
    ["a field of a control", body.with(1, '[10,"c",{"op":"open","rated":false,"x":1}]'), "line 2, 2"],
    ["a field of a fault", body.with(6, '[1600,"x",{"kind":"bit-flip","how":1}]'), "line 7, 2"],
  ])("is refused for %s that version 1 does not have", (_, lines, where) => {
    expect(refusalOf(resealed(lines))).toMatch(/^RECORDING_UNKNOWN /);
    expect(refusalOf(resealed(lines))).toContain(where);
  });

  it("is refused for a field of the end that version 1 does not have", () => {
    expect(codeOf(resealed(body, (end) => ({ ...end, extra: 1 })))).toBe("RECORDING_UNKNOWN");
  });

  it.each([
    ["no event", body.with(5, '{"half":1}')],
    ["not JSON", body.with(5, '[1500,"m","half"')],
    ["a time that is no whole number", body.with(5, '[1500.5,"m","half"]')],
    ["a time below 0", body.with(1, '[-10,"c",{"op":"open","rated":false}]')],
    ["base64 that is none", body.with(7, '[1700,"r",{"base64":"AP/p!"}]')],
    ["text beyond ASCII", body.with(3, '[30,"w","~0001 PIÑG 3a56d140\\n"]')],
    ["a missing header field", body.with(0, (body[0] ?? "").replace(',"seed":7', ""))],
    ["a header field out of range", body.with(0, (body[0] ?? "").replace('"seed":7', '"seed":-7'))],
  ])("is refused for what is broken: %s", (_, lines) => {
    expect(codeOf(resealed(lines))).toBe("RECORDING_FORM");
  });

  it("is refused where it is larger than the limits", () => {
    const mark = '[2,"m","half"]\n';
    expect(refusalOf(Buffer.alloc(MOST_FILE_BYTES + 1, 0x20))).toMatch(/^RECORDING_LIMIT /);
    expect(codeOf(`${body[0]}\n${" ".repeat(MOST_LINE_BYTES)}\n`)).toBe("RECORDING_LIMIT");
    expect(codeOf(`${body[0]}\n${mark.repeat(MOST_EVENTS + 2)}`)).toBe("RECORDING_LIMIT");
    const marks = Array.from({ length: MOST_EVENTS + 1 }, (): Event => ({ atUs: 1, code: "m", text: "" }));
    expect(() => encodeRecording(HEADER, marks)).toThrow(/RECORDING_LIMIT/);
    const chunks = Array.from({ length: 70 }, () => w(1, "x".repeat(250_000)));
    expect(() => encodeRecording(HEADER, chunks)).toThrow(/RECORDING_LIMIT/);
  });
});
