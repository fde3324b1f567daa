import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../host/device/digest.ts";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { sha256d } from "../../host/work/header.ts";
import { encodeRecording } from "./encode.ts";
import { readRecording } from "./files.ts";
import type { Event, Header } from "./format.ts";
import { parseRecording } from "./parse.ts";
import { HEADER, opened } from "./testing/samples.ts";
import { verifyRecording } from "./verify.ts";

const BOOT = "1a2b3c4d";
const REAL = new URL("../recordings/real/lv06-shares.ndjson", import.meta.url).pathname;

type Words = readonly string[];
/** A question, and its answer, which is made a lie by a change of any of its words. */
interface Exchange {
  readonly ask: Words;
  readonly asked?: Uint8Array;
  readonly words?: Words;
  readonly payload?: Uint8Array;
  readonly verb?: "OK" | "ERR";
}

function exchanged(all: readonly Exchange[], header: Header = HEADER, between: readonly Event[] = []) {
  const events = all.flatMap(
    ({ ask: [verb = "", ...args], asked, words = [], payload, verb: reply = "OK" }, i): Event[] => {
      const question = { seq: i + 1, verb, args, ...(asked === undefined ? {} : { payload: asked }) };
      const answer = { seq: i + 1, verb: reply, args: [BOOT, ...words], ...(payload === undefined ? {} : { payload }) };
      const at = { atUs: i, connection: 1 };
      return [
        { ...at, code: "w", bytes: encodeFrame(question) },
        { ...at, code: "r", bytes: encodeFrame(answer) },
      ];
    },
  );
  const shifted = events.map((event): Event => ({ ...event, atUs: event.atUs + 10 }));
  return verifyRecording(parseRecording(encodeRecording(header, [opened(0), ...between, ...shifted])));
}

const digest = (hex: string) => Buffer.from(hex, "hex");
/** SPEC §13. */
const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ROOTS = [
  "4=c1f545176a3c5867b735330ac0f08705bd58a0092653e055bd24303afb0116f1",
  "2=0068058ab7a2b1ca19a48820e7616364e7dfd264d5df0c9aaf849ecf3786b336",
];
const PIXELS = Uint8Array.from({ length: 16 }, (_, i) => i);
/** Rows 2 and 3 of the image, each with a filter of its own. */
const filtered = (type: number, first: readonly number[], second: readonly number[]) =>
  deflateRawSync(Uint8Array.of(type, ...first, type, ...second));
const NEW: Exchange = { ask: ["IMAGE", "NEW", "00000007", "4", "4"] };
const RAW: Exchange = { ask: ["IMAGE", "ROWS", "00000007", "0", "raw"], asked: PIXELS.subarray(0, 8) };
const rest = (asked: Uint8Array): Exchange => ({ ask: ["IMAGE", "ROWS", "00000007", "2", "deflate"], asked });
const SUB = rest(filtered(1, [8, 1, 1, 1], [12, 1, 1, 1]));
const ASK_ROOTS: Exchange = { ask: ["IMAGE", "ROOTS", "00000007", "4,2"], words: ROOTS };
const flip = (word: string) => word.slice(0, -1) + (word.endsWith("0") ? "1" : "0");

const GENESIS =
  "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000";
const TARGET = `00000000ffff${"00".repeat(26)}`;
const START: Exchange = {
  ask: ["WORK", "START", "0000000a", GENESIS, TARGET, "00000000", "60000"],
  words: ["0000000a", "running", "elapsedMs=0", "hashes=0"],
};
const found = (nonce: string, version = "00000001"): Exchange => ({
  ask: ["WORK", "STATUS", "0000000a"],
  words: ["0000000a", "found", "elapsedMs=12", "hashes=4294967296", `nonce=${nonce}`, `version=${version}`],
});

describe("digests in a recording", () => {
  const HASH: Exchange = { ask: ["HASH", "616263"], words: [ABC] };
  const both = Buffer.concat([digest(ABC), digest(ABC)]);
  const BATCH: Exchange = { ask: ["BATCH", "3", "digests"], asked: Buffer.from("abcabc"), payload: both };

  it("are right where they are", () => {
    expect(exchanged([HASH, BATCH])).toEqual({ digests: 3, proofs: 0, wrong: [], unchecked: 0 });
    const root = "f6ffe7a6e88412aa38ee99d641238ef59a7e21c5be2de362e91cee17abe7d961";
    const ROOT: Exchange = { ask: ["BATCH", "2", "root"], asked: Buffer.from("01020a00", "hex"), words: [root] };
    expect(exchanged([ROOT])).toMatchObject({ digests: 1, wrong: [] });
    expect(exchanged([{ ...ROOT, words: [flip(root)] }])).toMatchObject({ digests: 0, wrong: [expect.any(String)] });
  });

  it("are found to be wrong, each", () => {
    expect(exchanged([{ ...HASH, words: [flip(ABC)] }]).wrong).toEqual([
      'at 10 µs the answer to "HASH 616263" is not true',
    ]);
    expect(exchanged([{ ...HASH, words: [] }]).wrong).toHaveLength(1);
    const onlySecond = Buffer.concat([digest(flip(ABC)), digest(ABC)]);
    expect(exchanged([{ ...BATCH, payload: onlySecond }])).toMatchObject({ digests: 1, wrong: [expect.any(String)] });
    expect(exchanged([{ ...BATCH, payload: both.subarray(0, 32) }]).wrong).toHaveLength(1);
  });

  it("are no answers where the device refused", () => {
    expect(exchanged([{ ...HASH, verb: "ERR", words: ["LENGTH"] }])).toMatchObject({ digests: 0, wrong: [] });
  });
});

describe("an image in a recording", () => {
  it.each([
    ["raw", { ask: ["IMAGE", "ROWS", "00000007", "2", "raw"], asked: PIXELS.subarray(8) }],
    ["None", rest(filtered(0, [8, 9, 10, 11], [12, 13, 14, 15]))],
    ["Sub", SUB],
    ["Up", rest(filtered(2, [8, 9, 10, 11], [4, 4, 4, 4]))],
    ["Average", rest(filtered(3, [8, 5, 6, 6], [8, 3, 3, 3]))],
    ["Paeth", rest(filtered(4, [8, 1, 1, 1], [4, 1, 1, 1]))],
  ])("has the roots of the specification's example with filter %s", (_, rows) => {
    expect(exchanged([NEW, RAW, rows, ASK_ROOTS])).toMatchObject({ digests: 2, wrong: [], unchecked: 0 });
  });

  it("has a wrong root found", () => {
    const [first = "", second = ""] = ROOTS;
    expect(exchanged([NEW, RAW, SUB, { ...ASK_ROOTS, words: [first, flip(second)] }])).toMatchObject({
      digests: 1,
      wrong: [expect.any(String)],
    });
    expect(exchanged([NEW, RAW, SUB, { ...ASK_ROOTS, words: [second, first] }]).wrong).toHaveLength(2);
    expect(exchanged([NEW, RAW, SUB, { ...ASK_ROOTS, words: [first] }]).wrong).toHaveLength(2);
  });

  it("counts rows that were sent again, and not those that were refused", () => {
    const other = { ...RAW, asked: Buffer.alloc(8, 9) };
    expect(exchanged([NEW, other, RAW, SUB, ASK_ROOTS]).wrong).toEqual([]);
    expect(exchanged([NEW, RAW, SUB, { ...other, verb: "ERR", words: ["PAYLOAD"] }, ASK_ROOTS]).wrong).toEqual([]);
    expect(exchanged([NEW, RAW, SUB, other, ASK_ROOTS]).wrong).toHaveLength(2);
  });

  it("goes on over a refused NEW, and not over another", () => {
    const refused: Exchange = { ask: ["IMAGE", "NEW", "00000008", "900", "900"], verb: "ERR", words: ["LENGTH"] };
    expect(exchanged([NEW, RAW, SUB, refused, ASK_ROOTS])).toMatchObject({ digests: 2, unchecked: 0 });
    const begun: Exchange = { ask: ["IMAGE", "NEW", "00000008", "4", "4"] };
    expect(exchanged([NEW, RAW, SUB, begun, ASK_ROOTS])).toMatchObject({ digests: 0, unchecked: 1 });
  });

  it("has single digests, of the right blocks", () => {
    const all = [1, 2].map((i) => [2 * (i % 2), Math.floor(i / 2) * 2] as const);
    const block = ([x, y]: readonly [number, number]) =>
      Uint8Array.of(...[0, 1, 4, 5].map((at) => PIXELS[y * 4 + x + at] ?? 0));
    const payload = Buffer.concat(all.map((at) => sha256(block(at))));
    const ask = ["IMAGE", "DIGESTS", "00000007", "2", "1", "2"];
    expect(exchanged([NEW, RAW, SUB, { ask, payload }])).toMatchObject({ digests: 2, wrong: [] });
    expect(exchanged([NEW, RAW, SUB, { ask: ask.with(4, "2"), payload }]).wrong).toHaveLength(2);
  });

  it.each(["0", "3", "x", "-4", "4,0"])("is not judged, nor gone through for ever, at scale %s", (scale) => {
    const ask = { ...ASK_ROOTS, ask: ["IMAGE", "ROOTS", "00000007", scale] };
    expect(exchanged([NEW, RAW, SUB, ask])).toMatchObject({ unchecked: 1 });
    const huge = { ...NEW, ask: ["IMAGE", "NEW", "00000007", "999999", "999999"] };
    expect(exchanged([huge, { ...ask, ask: ["IMAGE", "DIGESTS", "00000007", scale, "0", "1"] }])).toMatchObject({
      unchecked: 1,
    });
  });

  it("is not judged where the recording does not hold it whole", () => {
    expect(exchanged([NEW, RAW, ASK_ROOTS])).toMatchObject({ digests: 0, unchecked: 1, wrong: [] });
  });
});

describe("a work proof in a recording", () => {
  it("is right for the genesis block, and counted once", () => {
    expect(sha256d(Buffer.from(GENESIS.replace(/0{8}$/, "1dac2b7c"), "hex")).at(-1)).toBe(0);
    expect(exchanged([START, found("7c2bac1d"), found("7c2bac1d")])).toMatchObject({ proofs: 1, wrong: [] });
  });

  it("is wrong where the version leaves the mask, though the hash is low enough", () => {
    const any = { ...START, ask: START.ask.with(4, "ff".repeat(32)).with(5, "1fffe000") };
    expect(exchanged([any, found("00000000", "00002001")])).toMatchObject({ proofs: 1 });
    expect(exchanged([any, found("00000000", "00002000")])).toMatchObject({ proofs: 0, wrong: [expect.any(String)] });
  });

  it.each([
    ["another nonce", [START, found("7c2bac1e")]],
    ["a version outside the mask", [START, found("7c2bac1d", "00002001")]],
    ["a search that nobody began", [found("7c2bac1d")]],
    ["no nonce", [START, { ...found(""), words: ["0000000a", "found", "elapsedMs=1", "hashes=1"] }]],
    [
      "an easier search under its id",
      [{ ...START, ask: START.ask.with(4, TARGET.replace("ffff", "0000")) }, found("7c2bac1d")],
    ],
  ])("is found to be wrong with %s", (_, all) => {
    expect(exchanged(all)).toMatchObject({ proofs: 0, wrong: [expect.stringContaining("does not meet its target")] });
  });
});

describe("whatever stands in a recording", () => {
  it("is judged without a fault of the judge", () => {
    const word = fc.constantFrom(
      "00000007",
      "4",
      "0",
      "1",
      "2",
      "-1",
      "raw",
      "deflate",
      "digests",
      "root",
      GENESIS,
      TARGET,
      "found",
      "nonce=7c2bac1d",
      "x",
    );
    const verb = fc.constantFrom(
      "HELLO",
      "HASH",
      "BATCH",
      "IMAGE NEW",
      "IMAGE ROWS",
      "IMAGE ROOTS",
      "IMAGE DIGESTS",
      "WORK START",
      "WORK STATUS",
    );
    const bytes = fc.option(fc.uint8Array({ minLength: 1, maxLength: 20 }), { nil: undefined });
    const exchange = fc
      .tuple(
        verb,
        fc.array(word, { maxLength: 6 }),
        bytes,
        fc.array(word, { maxLength: 4 }),
        bytes,
        fc.constantFrom("OK" as const, "ERR" as const),
      )
      .map(
        ([verbs, args, asked, words, payload, reply]): Exchange => ({
          ...{ ask: [...verbs.split(" "), ...args], words, verb: reply },
          ...(asked === undefined ? {} : { asked }),
          ...(payload === undefined ? {} : { payload }),
        }),
      );
    fc.assert(
      fc.property(fc.array(exchange, { maxLength: 12 }), (all) => {
        const { digests, proofs, wrong, unchecked } = exchanged(all);
        expect(digests + proofs + wrong.length + unchecked).toBeLessThan(1000);
      }),
      { numRuns: 500 },
    );
  });
});

describe("shares in a recording", () => {
  const real = readRecording(REAL);
  const changed = (change: (text: string) => string) => {
    const events = real.events.map((event) =>
      "bytes" in event ? { ...event, bytes: Buffer.from(change(event.bytes.toString())) } : event,
    );
    return verifyRecording(parseRecording(encodeRecording(real.header, events)));
  };

  it("are the 20 real ones of an LV06, all true", () => {
    expect(verifyRecording(real)).toEqual({ digests: 0, proofs: 20, wrong: [], unchecked: 0 });
  });

  it("are found to be wrong where a share, a job or the extranonce is another", () => {
    expect(changed((text) => text.replace("308502cc", "308502cd")).wrong).toEqual([
      expect.stringContaining("share 308502cd of job med000001 was accepted and is none"),
    ]);
    expect(changed((text) => text.replaceAll("deadbeef", "deadbeee")).wrong).toHaveLength(20);
    expect(
      changed((text) =>
        text.replaceAll('"mining.set_difficulty","params":[256]', '"mining.set_difficulty","params":[2560]'),
      ).proofs,
    ).toBeLessThan(5);
    expect(changed((text) => text.replaceAll("mining.set_difficulty", "mining.set_nothing")).wrong).toHaveLength(20);
  });

  it("are not held against the device where the host refused them, unless they were not too easy", () => {
    const refused = (code: number) => (text: string) =>
      text.replace('"id":4,"result":true,"error":null', `"id":4,"result":null,"error":[${code},"words",null]`);
    expect(changed(refused(21))).toMatchObject({ proofs: 19, wrong: [] });
    expect(changed(refused(23)).wrong).toEqual([expect.stringContaining("was refused and meets its difficulty")]);
  });
});

describe("the device of a recording", () => {
  const hello = (id: string, simulated: boolean): Exchange => ({
    ask: ["HELLO", "1", "0a0b0c0d"],
    words: ["proto=1", "nonce=0a0b0c0d", `device=${id}`, ...(simulated ? ["simulated=1"] : [])],
  });

  it("is the one of its header", () => {
    expect(exchanged([hello("lv06-model-00000007", true)]).wrong).toEqual([]);
    expect(() => exchanged([hello("a0b1c2d3e4f5", true)])).toThrow("RECORDING_OTHER");
    expect(() => exchanged([hello("lv06-modelled", true)])).toThrow("RECORDING_OTHER");
  });

  it("is never passed off as hardware", () => {
    expect(() => exchanged([hello("lv06-model-00000007", true)], { ...HEADER, simulated: false })).toThrow(
      "RECORDING_OTHER",
    );
    expect(() => exchanged([hello("lv06-model-00000007", false)])).toThrow("RECORDING_OTHER");
  });
});
