import { describe, expect, it } from "vitest";
import { LineDecoder } from "./decoder.ts";
import { encodeFrame, type Frame, parseLine } from "./frame.ts";
import { REDACTED, Redactor } from "./redact.ts";

const SECRET = `${"5ec2e7".repeat(10)}5ec2`;
const ok = (seq: number, ...words: string[]): Frame => ({ seq, verb: "OK", args: ["1a2b3c4d", ...words] });
const asked = (seq = 5) => {
  const redactor = new Redactor();
  redactor.sent({ seq, verb: "KEY" });
  return redactor;
};
const bare = (frame: Frame) => encodeFrame(frame).subarray(0, -1);

describe("Redactor", () => {
  it("replaces the reply to KEY, also the second one to a repeated request", () => {
    const redactor = asked();
    for (let i = 0; i < 2; i++) expect(redactor.frame(ok(5, SECRET))).toEqual(ok(5, REDACTED));
    expect(redactor.frame({ ...ok(5), payload: Buffer.from(SECRET) })).toEqual(ok(5, REDACTED));
  });

  it("leaves all other replies alone, and those to a later request of the same number", () => {
    const redactor = asked();
    expect(redactor.frame(ok(6, SECRET))).toEqual(ok(6, SECRET));
    redactor.sent({ seq: 5, verb: "HASH" });
    expect(redactor.frame(ok(5, SECRET))).toEqual(ok(5, SECRET));
  });

  it("leaves of a refusal of KEY only why, if that is a code that there is", () => {
    const err = (...words: string[]): Frame => ({ seq: 5, verb: "ERR", args: ["1a2b3c4d", ...words] });
    expect(asked().frame(err("KEY"))).toEqual(err("KEY"));
    expect(asked().frame(err("ARGS", SECRET))).toEqual(err("ARGS", REDACTED));
    expect(asked().frame(err(SECRET))).toEqual(err(REDACTED));
    expect(asked().frame({ ...err("KEY"), payload: Buffer.from(SECRET) })).toEqual(err("KEY", REDACTED));
  });

  it("keeps the line of a recording a good frame, and any other line as it is", () => {
    const redactor = asked();
    const kept = redactor.line(bare(ok(5, SECRET)));
    expect(parseLine(kept)).toEqual({ kind: "frame", frame: ok(5, REDACTED) });
    const other = bare(ok(6, SECRET));
    expect(redactor.line(other)).toEqual(other);
    expect(new Redactor().line(bare(ok(5, SECRET)))).toEqual(bare(ok(5, SECRET)));
  });

  it("lets no damaged reply to KEY show four digits of it", () => {
    const line = bare(ok(5, SECRET));
    for (let at = 0; at < line.length; at++) {
      for (const damage of [flip, drop, cut]) {
        const decoder = new LineDecoder(512);
        const broken = damage(line, at);
        const texts = decoder.push(Buffer.concat([broken, Buffer.from("\n")])).map((event) => asked().event(event));
        const shown = JSON.stringify(texts) + asked().line(broken).toString("latin1");
        for (let from = 0; from + 4 <= SECRET.length; from++) expect(shown).not.toContain(SECRET.slice(from, from + 4));
      }
    }
  });
});

const flip = (line: Buffer, at: number) => {
  const copy = Buffer.from(line);
  copy[at] = (copy[at] ?? 0) ^ 0x20;
  return copy;
};
const drop = (line: Buffer, at: number) => Buffer.concat([line.subarray(0, at), line.subarray(at + 1)]);
const cut = (line: Buffer, at: number) => line.subarray(at);
