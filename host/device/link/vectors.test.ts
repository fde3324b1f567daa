/** The vectors of firmware-spec/vectors, on both sides: the host's codec and the device's C core. */
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { buildVectors, testCore, vectorsFolder, vectorsProgram } from "../testing/firmware.ts";
import { LineDecoder } from "./decoder.ts";
import { encodeFrame, type LinkEvent } from "./frame.ts";

interface Case {
  readonly id: string;
  readonly flags?: readonly string[];
}
interface Bytes extends Case {
  readonly hex: string;
  readonly crc: string;
  readonly digest: string;
}
type Outcome =
  | { readonly kind: "frame"; readonly seq: number; readonly verb: string; readonly args: readonly string[] }
  | { readonly kind: "log" | "empty" }
  | { readonly kind: "discarded"; readonly reason: string };
interface Line extends Case {
  readonly line: string;
  readonly outcome: Outcome;
}
interface Dialogue extends Case {
  readonly send: readonly string[];
  readonly expect: readonly string[];
}

const load = <T extends Case>(name: string): readonly T[] =>
  (JSON.parse(readFileSync(`${vectorsFolder}${name}.json`, "utf8")) as { readonly cases: readonly T[] }).cases;
const crcs = load<Bytes>("crc");
const digests = load<Bytes>("sha256");
const lines = load<Line>("lines");
const dialogues = load<Dialogue>("dialogues");

const hexOf = (latin1: string) => Buffer.from(latin1, "latin1").toString("hex") || "-";
const wire = (texts: readonly string[]) => texts.map((line) => `${line}\n`).join("");

/** The C core's answers to the driver's commands, one line each. */
function askCore(commands: readonly string[]): string[] {
  const input = `${commands.join("\n")}\n`;
  return execFileSync(vectorsProgram, { input, maxBuffer: 1 << 24 })
    .toString("latin1")
    .trimEnd()
    .split("\n");
}

describe("the host's side", () => {
  it.each(crcs)("computes the CRC of $id", ({ hex, crc }) => {
    expect(crc32(Buffer.from(hex, "hex")).toString(16).padStart(8, "0")).toBe(crc);
  });
  it.each(digests)("computes the digest of $id", ({ hex, digest }) => {
    expect(hash("sha256", Buffer.from(hex, "hex"))).toBe(digest);
  });
  it.each(lines)("reads: $id", ({ line, outcome }) => {
    expect(new LineDecoder(2304).push(Buffer.from(`${line}\n`, "latin1")).map(plain)).toEqual(
      outcome.kind === "empty" ? [] : [outcome],
    );
  });
  it.each(lines.filter((each) => each.outcome.kind === "frame"))("writes: $id", ({ line, outcome }) => {
    if (outcome.kind !== "frame") return;
    // The forms a reader accepts besides the one a writer makes.
    const canonical = line.slice(line.indexOf("~")).replace(/\r$/, "");
    expect(Buffer.from(encodeFrame(outcome)).toString("latin1")).toBe(`${canonical}\n`);
  });
  it.each(dialogues)("understands every reply: $id", ({ expect: replies }) => {
    const decoder = new LineDecoder(2304);
    const kinds = decoder.push(Buffer.from(wire(replies), "latin1")).map((event) => event.kind);
    expect(kinds).toEqual(replies.map((reply) => (reply.startsWith("~") ? "frame" : "log")));
  });
});

describe("the device's side", () => {
  beforeAll(buildVectors);
  it("computes every CRC", () => {
    expect(askCore(crcs.map(({ hex }) => `crc ${hex || "-"}`))).toEqual(crcs.map(({ crc }) => crc));
  });
  it("computes every digest", () => {
    expect(askCore(digests.map(({ hex }) => `sha ${hex || "-"}`))).toEqual(digests.map(({ digest }) => digest));
  });
  it("reads every line", () => {
    const shared = lines.filter(({ flags = [] }) => !flags.includes("host-only"));
    const answers = askCore(shared.map(({ line }) => `line ${hexOf(line)}`));
    expect(pair(shared, answers)).toEqual(pair(shared, shared.map(coreWords)));
  });
  it("answers every dialogue", () => {
    const answers = askCore(dialogues.map(({ send }) => `feed ${hexOf(wire(send))}`));
    const text = answers.map((hex) => Buffer.from(hex === "-" ? "" : hex, "hex").toString("latin1"));
    expect(pair(dialogues, text)).toEqual(
      pair(
        dialogues,
        dialogues.map(({ expect: replies }) => wire(replies)),
      ),
    );
  });
  it("passes its own unit tests", testCore);
  it("announces its boot", () => {
    const [hex = ""] = askCore(["boot -"]);
    const [event] = new LineDecoder(512).push(Buffer.from(hex, "hex"));
    expect(event).toEqual({ kind: "frame", frame: { seq: 0, verb: "BOOT", args: ["1a2b3c4d", "power-on"] } });
  });
});

const pair = (cases: readonly Case[], values: readonly string[]) =>
  Object.fromEntries(cases.map(({ id }, index) => [id, values[index]]));

function plain(event: LinkEvent): Outcome {
  switch (event.kind) {
    case "frame":
      return { kind: "frame", ...event.frame };
    case "log":
      return { kind: "log" };
    case "discarded":
      return { kind: "discarded", reason: event.reason };
  }
}

function coreWords({ outcome }: Line): string {
  switch (outcome.kind) {
    case "frame":
      return ["frame", outcome.seq.toString(16).padStart(4, "0"), outcome.verb, ...outcome.args].join(" ");
    case "log":
    case "empty":
      return "log";
    case "discarded":
      return outcome.reason;
  }
}
