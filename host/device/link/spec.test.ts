/** The examples of SPEC.md §13, read from its text: every line's bytes, checksum and meaning. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { merkleRoot } from "../../work/merkle.ts";
import { sha256 } from "../digest.ts";
import { parseHello } from "../session/hello.ts";
import { foundHeader, parseWork, workOutcome } from "../session/work-status.ts";
import { vectorsFolder } from "../testing/firmware.ts";
import { encodeFrame, type Frame, parseLine } from "./frame.ts";

const spec = readFileSync(`${vectorsFolder}../SPEC.md`, "utf8");
const examples = [...spec.slice(spec.indexOf("## 13. Examples")).matchAll(/^(host|device) +(~.*)$/gm)].map(
  ([, side = "", text = ""]) => ({ side, text, line: bytesOf(text) }),
);
const frames = examples.map(({ side, line }) => {
  const event = parseLine(line);
  if (event?.kind !== "frame") throw new Error(`${side} ${line.toString("latin1")} is no frame`);
  return { side, frame: event.frame };
});
const find = (side: string, seq: number): Frame => {
  const found = frames.find((each) => each.side === side && each.frame.seq === seq);
  if (found === undefined) throw new Error(`no example ${side} ${seq}`);
  return found.frame;
};

/** `\xHH` stands for one byte. */
function bytesOf(text: string): Buffer {
  return Buffer.from(
    text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
}

describe("the specification's examples", () => {
  it("are all there", () => {
    expect(examples.length).toBeGreaterThanOrEqual(20);
  });

  it.each(examples)("are what the host would write: $side $text", ({ line }) => {
    const event = parseLine(line);
    expect(event?.kind).toBe("frame");
    if (event?.kind === "frame") expect(encodeFrame(event.frame)).toEqual(Buffer.concat([line, Buffer.from("\n")]));
  });

  it("say hello", () => {
    expect(parseHello(find("device", 1).args.slice(1), "1a2b3c4d")).toMatchObject({
      capabilities: new Set(["hash", "batch", "image", "work", "attest", "key", "health", "baud", "log", "reset"]),
      maxReplyBytes: 2304,
      inflateBytes: 8192,
      rates: [921_600, 460_800, 115_200],
      simulated: true,
    });
  });

  it("hash and batch as SHA-256 does", () => {
    expect(find("device", 2).args[1]).toBe(hexOf(sha256(Buffer.from("abc"))));
    const { payload = Buffer.alloc(0) } = find("host", 4);
    const digests = [payload.subarray(0, 2), payload.subarray(2, 4)].map(sha256);
    expect(payload.length).toBe(4);
    expect(find("device", 4).args[1]).toBe(hexOf(merkleRoot(Buffer.concat(digests))));
  });

  it("carry the pixels 0 to 15, and have their roots", () => {
    const pixels = Buffer.from(Array.from({ length: 16 }, (_, i) => i));
    expect(find("host", 6).payload).toEqual(pixels.subarray(0, 8));
    const rows = inflateRawSync(find("host", 7).payload ?? Buffer.alloc(0));
    expect([...rows]).toEqual([1, 8, 1, 1, 1, 1, 12, 1, 1, 1]);
    const blocks = [0, 2, 8, 10].map((at) => Buffer.from([at, at + 1, at + 4, at + 5]));
    expect(find("device", 8).args.slice(1)).toEqual([
      `4=${hexOf(merkleRoot(sha256(pixels)))}`,
      `2=${hexOf(merkleRoot(Buffer.concat(blocks.map(sha256))))}`,
    ]);
  });

  it("give the digests of blocks 1 and 2", () => {
    const blocks = [2, 8].map((at) => Buffer.from([at, at + 1, at + 4, at + 5]));
    expect(find("device", 13).payload).toEqual(Buffer.concat(blocks.map(sha256)));
  });

  it("find the genesis block", () => {
    const [, , header = "", target = "", mask = "", deadline = ""] = find("host", 9).args;
    const job = {
      header: Buffer.from(header, "hex"),
      target: Buffer.from(target, "hex"),
      versionMask: Number.parseInt(mask, 16),
      deadlineMs: Number(deadline),
    };
    const key = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
    const boot = Buffer.from("1a2b3c4d", "hex");
    const mac = createHmac("sha256", key)
      .update(
        Buffer.concat([Buffer.from("lv06/work/1".padEnd(16, "\0")), foundHeader(job.header, 2_083_236_893, 1), boot]),
      )
      .digest();
    const progress = { hashes: 4_294_967_296n, elapsedMs: 12, errors: 0 };
    const found = { kind: "found", nonce: 2_083_236_893, version: 1, mac, ...progress };
    const notice = frames.find(({ frame }) => frame.verb === "WORK" && frame.seq === 0)?.frame;
    for (const frame of [notice, find("device", 10)]) {
      const status = parseWork(frame?.args.slice(1) ?? []);
      expect(status && workOutcome(job, status)).toEqual(found);
    }
  });
});

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
