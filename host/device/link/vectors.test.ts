/** The vectors of firmware-spec/vectors, on both sides: the host's codec and the device's C core. */
import { crc32, inflateRawSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { sha256d } from "../../work/header.ts";
import { merkleRoot } from "../../work/merkle.ts";
import { sha256 } from "../digest.ts";
import { rowsInTurn } from "../session/rows.ts";
import { buildVectors } from "../testing/firmware.ts";
import {
  askCore,
  type Case,
  hexOf,
  judge,
  loadCases,
  minimalProgram,
  play,
  type Script,
  type Step,
  type SuiteName,
  Tally,
} from "../testing/vectors.ts";
import { decodeCobs, encodeCobs } from "./cobs.ts";
import { LineDecoder } from "./decoder.ts";
import { encodeFrame, type LinkEvent, parseLine } from "./frame.ts";

interface Bytes extends Case {
  readonly hex: string;
  readonly crc: string;
  readonly digest: string;
  readonly double?: string;
}
interface Stuffing extends Case {
  readonly data: string | null;
  readonly payload: string;
}
interface Root extends Case {
  readonly digests: string;
  readonly root: string;
}
type Outcome =
  | {
      readonly kind: "frame";
      readonly seq: string;
      readonly verb: string;
      readonly words: readonly string[];
      readonly payload?: string;
    }
  | { readonly kind: "log" | "empty" }
  | { readonly kind: "discarded"; readonly reason: string };
interface Line extends Case {
  readonly sides: readonly ("host" | "device")[];
  readonly holds: number;
  readonly line: string;
  readonly outcome: readonly Outcome[];
}
interface Rows extends Case {
  readonly form: "raw" | "deflate";
  readonly width: number;
  readonly height: number;
  readonly first: number;
  readonly pixels: string | null;
  readonly steps: readonly Step[];
}
interface Dialogue extends Case {
  readonly device?: Script;
  readonly needs: readonly string[];
  readonly steps: readonly Step[];
}

const crcs = loadCases<Bytes>("crc");
const digests = loadCases<Bytes>("sha256");
const stuffings = loadCases<Stuffing>("cobs");
const roots = loadCases<Root>("roots");
const lines = loadCases<Line>("lines");
const rows = loadCases<Rows>("rows");
const dialogues = loadCases<Dialogue>("dialogues");
const hostLines = lines.filter(({ sides }) => sides.includes("host"));
const deviceLines = lines.filter(({ sides }) => sides.includes("device"));

/** What SPEC 10 demands of the minimal profile. */
const minimal = dialogues.filter(
  ({ spec, needs, flags }) => /^(3|4|5\.1$|5\.3$)/.test(spec) && needs.length === 0 && !flags.includes("Scripted"),
);

const tally = new Tally();
const bytesOf = (hex: string) => Buffer.from(hex, "hex");

describe("the host's side", () => {
  it.each(crcs)("computes the CRC of $id", ({ id, hex, crc }) => {
    tally.ran("host", "crc", id);
    expect(crc32(bytesOf(hex)).toString(16).padStart(8, "0")).toBe(crc);
  });
  it.each(digests)("computes the digest of $id", ({ id, hex, digest, double }) => {
    tally.ran("host", "sha256", id);
    expect(Buffer.from(sha256(bytesOf(hex))).toString("hex")).toBe(digest);
    if (double !== undefined) expect(sha256d(bytesOf(hex)).toString("hex")).toBe(double);
  });
  it.each(stuffings)("stuffs and unstuffs $id", ({ id, data, payload, verdict }) => {
    tally.ran("host", "cobs", id);
    const read = decodeCobs(bytesOf(payload))?.toString("hex") ?? null;
    expect(verdict === "acceptable" ? [data, null] : [data]).toContain(read);
    if (verdict === "valid") expect(encodeCobs(bytesOf(data ?? "")).toString("hex")).toBe(payload);
  });
  it.each(roots)("computes the root of $id", ({ id, digests: leaves, root }) => {
    tally.ran("host", "roots", id);
    expect(merkleRoot(bytesOf(leaves)).toString("hex")).toBe(root);
  });
  it.each(hostLines)("reads: $id", ({ id, holds, line, outcome }) => {
    tally.ran("host", "lines", id);
    const [event] = new LineDecoder(holds).push(Buffer.from(`${line}\n`, "latin1"));
    expect(outcome).toContainEqual(plain(event));
  });
  it.each(hostLines.filter(({ verdict, outcome }) => verdict === "valid" && outcome[0]?.kind === "frame"))(
    "writes: $id",
    ({ line, outcome: [outcome] }) => {
      if (outcome?.kind !== "frame") return;
      const { seq, verb, words, payload } = outcome;
      const data = payload === undefined ? {} : { payload: bytesOf(payload) };
      const written = encodeFrame({ seq: Number.parseInt(seq, 16), verb, args: words, ...data });
      expect(written.toString("latin1")).toBe(`${line.replace(/\r$/, "")}\n`);
    },
  );
  it.each(dialogues)("writes the requests as the vectors do: $id", ({ id, steps }) => {
    tally.ran("host", "dialogues", id);
    for (const line of steps.flatMap(({ send = [] }) => send)) {
      const event = parseLine(Buffer.from(line, "latin1"));
      const needless = line.endsWith("\r") || line.includes("\x0b ");
      if (event?.kind === "frame" && !needless) expect(encodeFrame(event.frame).toString("latin1")).toBe(`${line}\n`);
    }
  });
  it.each(rows.filter(({ pixels }) => pixels !== null))("cuts rows that give back the pixels: $id", (each) => {
    tally.ran("host", "rows", each.id);
    const samples = bytesOf(each.pixels ?? "");
    const image = { width: each.width, height: samples.length / each.width, samples };
    const inflateBytes = each.form === "raw" ? 0 : 8192;
    const cut = [...rowsInTurn(image, { payloadBytes: 1500, inflateBytes })];
    const pixels = cut.map(({ encoding, bytes }) =>
      encoding === "raw" ? bytes : unfiltered(inflateRawSync(bytes), each.width),
    );
    expect(Buffer.concat(pixels).toString("hex")).toBe(each.pixels);
  });
});

describe("the device's side", () => {
  beforeAll(buildVectors);
  const each = <T extends Case>(suite: SuiteName, cases: readonly T[], command: (one: T) => string) => {
    const answers = askCore(cases.map(command));
    expect(answers).toHaveLength(cases.length);
    return cases.map((one, index) => {
      tally.ran("device", suite, one.id);
      return [one, answers[index] ?? ""] as const;
    });
  };
  it("computes every CRC", () => {
    for (const [{ id, crc }, answer] of each("crc", crcs, ({ hex }) => `crc ${hex || "-"}`))
      expect([id, answer]).toEqual([id, crc]);
  });
  it("computes every digest", () => {
    const found = each("sha256", digests, ({ hex }) => `sha ${hex || "-"}`);
    for (const [{ id, digest }, answer] of found) expect([id, answer]).toEqual([id, digest]);
    const twice = digests.filter(({ double }) => double !== undefined);
    expect(askCore(twice.map(({ digest }) => `sha ${digest}`))).toEqual(twice.map(({ double }) => double));
  });
  it("stuffs and unstuffs everything", () => {
    const good = stuffings.filter(({ verdict }) => verdict === "valid");
    expect(askCore(good.map(({ data }) => `stuff ${data}`))).toEqual(good.map(({ payload }) => payload));
    for (const [{ id, data, verdict }, answer] of each("cobs", stuffings, ({ payload }) => `unstuff ${payload}`)) {
      const right = data ?? "form";
      expect([id, verdict === "acceptable" && answer === "form" ? right : answer]).toEqual([id, right]);
    }
  });
  it("computes every root", () => {
    for (const [{ id, root }, answer] of each("roots", roots, ({ digests: leaves }) => `root ${leaves}`))
      expect([id, answer]).toEqual([id, root]);
  });
  it("reads every line", () => {
    const problems = each("lines", deviceLines, ({ line }) => `line ${hexOf(line)}`).flatMap(([one, answer]) =>
      one.outcome.some((outcome) => coreWords(outcome) === answer || isLong(outcome)) ? [] : [`${one.id}: ${answer}`],
    );
    expect(problems).toEqual([]);
  });
  it("says why it discards a line, and answers no log", () => {
    const send = dialogues.find(({ id }) => id === "hello")?.steps[0]?.send ?? [];
    const greeted = { send, expect: [{ seq: "0001", verb: "OK", boot: "1a2b3c4d", words: ["*"] }] };
    const quiet = deviceLines.flatMap(({ id, line, outcome: [only, ...others] }) => {
      if (only === undefined || only.kind === "frame" || others.length > 0 || /^\?\r?$/.test(line)) return [];
      const words = only.kind === "discarded" ? [only.reason.toUpperCase()] : [];
      const nak = words.map((word) => ({ seq: "0000", verb: "NAK", boot: "1a2b3c4d", words: [word] }));
      return [{ id, steps: [greeted, { send: [line], expect: nak }] }];
    });
    const said = play(quiet, "feed");
    const problems = quiet.flatMap(({ id, steps }) =>
      judge(steps, said.get(id) ?? []).map((problem) => `${id}: ${problem}`),
    );
    expect(problems).toEqual([]);
    expect(quiet.length).toBeGreaterThan(100);
  });
  describe.each(["feed", "drip"] as const)("with bytes that come by %s", (feed) => {
    let answers: ReadonlyMap<string, readonly string[]> = new Map();
    let rasters: ReadonlyMap<string, readonly string[]> = new Map();
    beforeAll(() => {
      answers = play(dialogues, feed);
      rasters = play(
        rows,
        feed,
        ({ width, first, pixels }) => `raster ${pixels === null ? 0 : first * width + pixels.length / 2}`,
      );
    });
    it.each(rows)("takes rows: $id", ({ id, steps, width, first, pixels }) => {
      tally.ran("device", "rows", id);
      const said = rasters.get(id) ?? [];
      expect(judge(steps, said)).toEqual([]);
      if (pixels !== null) expect(said.at(-1)?.slice(2 * first * width)).toBe(pixels);
    });
    it.each(dialogues)("answers: $id", ({ id, steps }) => {
      tally.ran("device", "dialogues", id);
      expect(judge(steps, answers.get(id) ?? [])).toEqual([]);
    });
  });
});

describe("the minimal profile", () => {
  let answers: ReadonlyMap<string, readonly string[]> = new Map();
  beforeAll(async () => {
    await buildVectors();
    answers = play(minimal, "feed", undefined, minimalProgram);
  });
  it.each(minimal)("answers: $id", ({ id, steps }) => {
    expect(judge(steps, answers.get(id) ?? [])).toEqual([]);
  });
  it("has to pass what tells a port that works from one that does not", () => {
    expect(minimal.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["hash abc", "hello from the next version", "question mark", "unknown command"]),
    );
    expect(minimal.length).toBeGreaterThan(50);
  });
});

it("leaves no case out", () => {
  const both = { crc: crcs, sha256: digests, cobs: stuffings, roots, dialogues } as const;
  for (const side of ["host", "device"] as const)
    for (const [suite, cases] of Object.entries(both))
      expect(tally.missing(side, suite as keyof typeof both, cases)).toEqual([]);
  expect(tally.missing("host", "lines", hostLines)).toEqual([]);
  expect(tally.missing("device", "lines", deviceLines)).toEqual([]);
  expect(lines.filter(({ sides }) => sides.length === 0)).toEqual([]);
  expect(tally.missing("device", "rows", rows)).toEqual([]);
  expect(
    tally.missing(
      "host",
      "rows",
      rows.filter(({ pixels }) => pixels !== null),
    ),
  ).toEqual([]);
});

function plain(event: LinkEvent | undefined): Outcome {
  if (event === undefined) return { kind: "empty" };
  if (event.kind === "log") return { kind: "log" };
  if (event.kind === "discarded") return { kind: "discarded", reason: event.reason };
  const { seq, verb, args, payload } = event.frame;
  const data = payload === undefined ? {} : { payload: Buffer.from(payload).toString("hex") };
  return { kind: "frame", seq: seq.toString(16).padStart(4, "0"), verb, words: args, ...data };
}

/** As the C core's driver says it; an empty line is log to it. */
function coreWords(outcome: Outcome): string {
  switch (outcome.kind) {
    case "frame": {
      const payload = outcome.payload === undefined ? [] : [`:${outcome.payload}`];
      return ["frame", outcome.seq, outcome.verb, ...outcome.words, ...payload].join(" ");
    }
    case "log":
    case "empty":
      return "log";
    case "discarded":
      return outcome.reason;
  }
}

/** Seen where lines are gathered, not where one is read: told by a NAK. */
function isLong(outcome: Outcome): boolean {
  return outcome.kind === "discarded" && outcome.reason === "long";
}

/** Rows without their filters (ISO/IEC 15948 §9.2), zeros above the first: beside the host's and the device's own. */
function unfiltered(bytes: Uint8Array, width: number): Buffer {
  const rowsBytes = bytes.length / (width + 1);
  const out = Buffer.alloc(rowsBytes * width);
  for (let y = 0; y < rowsBytes; y++) {
    const type = bytes[y * (width + 1)];
    for (let x = 0; x < width; x++) {
      const left = x > 0 ? (out[y * width + x - 1] ?? 0) : 0;
      const above = y > 0 ? (out[(y - 1) * width + x] ?? 0) : 0;
      const corner = x > 0 && y > 0 ? (out[(y - 1) * width + x - 1] ?? 0) : 0;
      const guess = [0, left, above, (left + above) >> 1, nearest(left, above, corner)][type ?? 5] ?? Number.NaN;
      expect(guess).not.toBeNaN();
      out[y * width + x] = (bytes[y * (width + 1) + 1 + x] ?? 0) + guess;
    }
  }
  return out;
}

function nearest(left: number, above: number, corner: number): number {
  const guess = left + above - corner;
  const [first] = [left, above, corner].sort((a, b) => Math.abs(guess - a) - Math.abs(guess - b));
  return first ?? 0;
}
