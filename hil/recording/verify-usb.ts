/** Digests and work proofs that went over a USB line, against what they were asked of (SPEC §5.3, §5.4, §5.6, §5.8). */
import { sha256 } from "../../host/device/digest.ts";
import { LineDecoder } from "../../host/device/link/decoder.ts";
import type { Frame } from "../../host/device/link/frame.ts";
import { MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import { HEADER_AT, HEADER_BYTES, sha256d, withinMask } from "../../host/work/header.ts";
import { merkleRoot } from "../../host/work/merkle.ts";
import { SHA256_BYTES } from "../../host/work/sha256.ts";
import { meetsTarget } from "../../host/work/target.ts";
import type { Event } from "./format.ts";
import { SentImage, type SentRows } from "./sent-image.ts";
import { shownLine } from "./shown.ts";
import type { Findings } from "./verify.ts";

export function verifyUsb(events: readonly Event[], findings: Findings): void {
  const lines = new Map<number, LineAnswers>();
  // A search goes on over a connection's end.
  const searches = new Searches();
  for (const event of events) {
    if (event.code !== "w" && event.code !== "r") continue;
    const line = lines.get(event.connection) ?? new LineAnswers(findings, searches);
    lines.set(event.connection, line);
    line.take(event.code, event.bytes, event.atUs);
  }
}

interface Asked {
  readonly frame: Frame;
  /** For IMAGE: what the device had been sent, and how much of it then. */
  readonly image: SentImage | undefined;
  readonly rowsBefore: number;
  readonly rows: SentRows | undefined;
  /** What was there before HELLO or NEW. */
  readonly previous: SentImage | undefined;
}

class LineAnswers {
  readonly #findings: Findings;
  readonly #searches: Searches;
  readonly #decoders = { w: new LineDecoder(MAX_LINE_BYTES), r: new LineDecoder(MAX_LINE_BYTES) };
  readonly #asked = new Map<number, Asked>();
  #image: SentImage | undefined;

  constructor(findings: Findings, searches: Searches) {
    this.#findings = findings;
    this.#searches = searches;
  }

  take(code: "w" | "r", bytes: Buffer, atUs: number): void {
    for (const event of this.#decoders[code].push(bytes)) {
      if (event.kind !== "frame") continue;
      if (code === "w") this.#sent(event.frame);
      else this.#heard(event.frame, atUs);
    }
  }

  #sent(frame: Frame): void {
    const { verb, args, payload } = frame;
    const previous = this.#image;
    let rows: SentRows | undefined;
    if (verb === "HELLO") this.#image = undefined;
    if (verb === "WORK" && args[0] === "START") this.#searches.started(args.slice(1));
    if (verb === "IMAGE" && args[0] === "NEW") this.#image = SentImage.begun(previous, args.slice(1));
    if (verb === "IMAGE" && args[0] === "ROWS") rows = this.#image?.sent(args.slice(1), payload);
    const rowsBefore = this.#image?.rowsSent ?? 0;
    this.#asked.set(frame.seq, { frame, image: this.#image, rowsBefore, rows, previous });
  }

  #heard(reply: Frame, atUs: number): void {
    const notice = reply.verb === "WORK" && reply.seq === 0;
    if (notice) this.#searches.judge(reply.args.slice(1), atUs, this.#findings);
    const asked = this.#asked.get(reply.seq);
    if (asked === undefined) {
      // Perhaps of an earlier connection.
      if (reply.verb === "OK") this.#findings.unchecked += 1;
      return;
    }
    if (reply.verb === "ERR") this.#refused(asked);
    if (reply.verb === "OK") this.#answered(asked, reply.args.slice(1), reply.payload, atUs);
  }

  #refused({ frame, rows, image, previous }: Asked): void {
    if (rows !== undefined) rows.refused = true;
    // A refused HELLO or NEW has changed nothing.
    const begins = frame.verb === "HELLO" || (frame.verb === "IMAGE" && frame.args[0] === "NEW");
    if (begins && this.#image === image) this.#image = previous;
  }

  #answered(asked: Asked, words: readonly string[], payload: Uint8Array | undefined, atUs: number): void {
    const { frame } = asked;
    const { verb, args } = frame;
    const what = `the answer to ${shownLine(Buffer.from(`${verb} ${args.join(" ")}`))} is not true`;
    const judge = (right: boolean) => this.#findings.digest(right, atUs, what);
    if (verb === "HASH") judge(words[0] === hex(sha256(Buffer.from(args[0] ?? "", "hex"))));
    else if (verb === "BATCH") this.#batch(frame, words, payload, judge);
    else if (verb === "IMAGE") this.#imageAnswer(asked, words, payload, judge);
    else if (verb === "WORK") this.#searches.judge(words, atUs, this.#findings);
  }

  #batch(
    { args: [size = "", want], payload: blocks }: Frame,
    words: readonly string[],
    payload: Uint8Array | undefined,
    judge: (right: boolean) => void,
  ): void {
    const digests = digestsOf(blocks ?? Buffer.alloc(0), Number(size));
    if (want === "root") judge(words[0] === hex(merkleRoot(digests)));
    else judgeEach(digests, payload, judge);
  }

  #imageAnswer(
    { frame, image, rowsBefore }: Asked,
    words: readonly string[],
    payload: Uint8Array | undefined,
    judge: (right: boolean) => void,
  ): void {
    const [what, , scales = "", first = "", count = ""] = frame.args;
    if (what !== "ROOTS" && what !== "DIGESTS") return;
    const asked = scales.split(",").map(Number);
    const pixels = image?.pixels(rowsBefore);
    if (image === undefined || pixels === undefined || !asked.every((scale) => image.hasScale(scale))) {
      this.#findings.unchecked += 1;
    } else if (what === "DIGESTS") {
      const all = image.digests(pixels, asked[0] ?? 1);
      const from = Number(first) * SHA256_BYTES;
      judgeEach(all.subarray(from, from + Number(count) * SHA256_BYTES), payload, judge);
    } else {
      for (const [i, scale] of asked.entries())
        judge(words[i] === `${scale}=${hex(merkleRoot(image.digests(pixels, scale)))}`);
      if (words.length !== asked.length) judge(false);
    }
  }
}

function digestsOf(blocks: Uint8Array, size: number): Buffer {
  const digests: Uint8Array[] = [];
  for (let at = 0; size > 0 && at < blocks.length; at += size) digests.push(sha256(blocks.subarray(at, at + size)));
  return Buffer.concat(digests);
}

function judgeEach(own: Buffer, theirs: Uint8Array | undefined, judge: (right: boolean) => void): void {
  if (theirs?.length !== own.length) judge(false);
  else {
    for (let at = 0; at < own.length; at += SHA256_BYTES) {
      judge(own.subarray(at, at + SHA256_BYTES).equals(theirs.subarray(at, at + SHA256_BYTES)));
    }
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

interface Search {
  readonly header: Buffer;
  readonly target: Buffer;
  readonly mask: number;
}

const HEX8 = /^[0-9a-f]{8}$/;

/** An id may be used again once another search took its place: a find is right if it is right for one of them. */
class Searches {
  readonly #started = new Map<string, Search[]>();
  /** A result is told again and again. */
  readonly #judged = new Set<string>();

  started([id = "", header = "", target = "", mask = ""]: readonly string[]): void {
    const search = {
      header: Buffer.from(header, "hex"),
      target: Buffer.from(target, "hex"),
      mask: Number.parseInt(mask, 16),
    };
    if (search.header.length !== HEADER_BYTES || search.target.length !== SHA256_BYTES || !HEX8.test(mask)) return;
    this.#started.set(id, [...(this.#started.get(id) ?? []), search]);
  }

  judge([id = "", state, ...pairs]: readonly string[], atUs: number, findings: Findings): void {
    const told = `${id} ${pairs.join(" ")}`;
    if (state !== "found" || this.#judged.has(told)) return;
    this.#judged.add(told);
    const value = (key: string) => pairs.find((pair) => pair.startsWith(`${key}=`))?.slice(key.length + 1) ?? "";
    const [nonce, version] = [value("nonce"), value("version")];
    const found = { nonce: Number.parseInt(nonce, 16), version: Number.parseInt(version, 16) };
    const whole = HEX8.test(nonce) && HEX8.test(version);
    const right = whole && (this.#started.get(id) ?? []).some((search) => isFind(search, found));
    findings.proof(right, atUs, `nonce ${nonce} of search ${id} does not meet its target`);
  }
}

function isFind(
  { header, target, mask }: Search,
  found: { readonly nonce: number; readonly version: number },
): boolean {
  if (!withinMask(header.readUInt32LE(HEADER_AT.version) ^ found.version, mask)) return false;
  const tried = Buffer.from(header);
  tried.writeUInt32LE(found.version, HEADER_AT.version);
  tried.writeUInt32LE(found.nonce, HEADER_AT.nonce);
  return meetsTarget(sha256d(tried), target);
}
