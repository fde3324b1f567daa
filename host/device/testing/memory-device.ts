/** A device in this process, for tests that need to drop, delay, reorder or falsify what it says. */
import { createHmac } from "node:crypto";
import { merkleRoot } from "../../work/merkle.ts";
import { sha256 } from "../digest.ts";
import { LineDecoder } from "../link/decoder.ts";
import { encodeFrame, type Frame } from "../link/frame.ts";
import type { Transport } from "../transport.ts";
import { MemoryImage, type MemoryReply } from "./memory-image.ts";

/** What becomes of a request: the replies to send now; an empty list loses it. */
export type Behaviour = (request: Frame, honest: (request: Frame) => Frame) => readonly Frame[];

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

export class MemoryDevice implements Transport {
  readonly name = "memory";
  /** Every frame the host sent, in order. */
  readonly received: Frame[] = [];
  boot = "1a2b3c4d";
  behaviour: Behaviour;
  /** What HELLO says besides proto, nonce and credits; a test may change any of it. */
  hello: Record<string, string> = {
    firmware: "memory/1",
    device: "memory",
    caps: "hash,batch,image,health,work,attest,key,log,reset",
    maxLine: "2304",
    maxReply: "2304",
    maxBlock: "1024",
    maxImage: "50176",
    inflate: "8192",
  };
  credits = { lines: 8, bytes: 4096 };
  /** What WORK answers with, after the id. */
  search: readonly string[] = ["running", "elapsedMs=0", "hashes=0"];
  key = Buffer.alloc(32, 7);
  readonly #image = new MemoryImage();
  readonly #decoder = new LineDecoder(65_536);
  #onChunk: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};
  #closed = false;

  constructor(behaviour: Behaviour = (request, honest) => [honest(request)]) {
    this.behaviour = behaviour;
  }

  get closed(): boolean {
    return this.#closed;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw new Error("closed");
    for (const event of this.#decoder.push(bytes)) {
      if (event.kind !== "frame") continue;
      this.received.push(event.frame);
      for (const reply of this.behaviour(event.frame, (request) => this.honest(request))) this.say(encodeFrame(reply));
    }
  }

  /** The honest device as bytes in → bytes out, without a transport. */
  take(bytes: Uint8Array): Uint8Array {
    const frames = this.#decoder.push(bytes).flatMap((event) => (event.kind === "frame" ? [event.frame] : []));
    return Buffer.concat(frames.map((frame) => encodeFrame(this.honest(frame))));
  }

  /** Bytes to the host, as they are. */
  say(bytes: Uint8Array | string): void {
    const chunk = Buffer.from(bytes);
    setImmediate(() => this.#onChunk(chunk));
  }

  unplug(): void {
    void this.close();
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(new Error("unplugged"));
  }

  /** What a good device answers. */
  honest(request: Frame): Frame {
    const answer = this.#answer(request);
    if ("err" in answer) return { seq: request.seq, verb: "ERR", args: [this.boot, ...answer.err] };
    const { ok, ...payload } = answer;
    return { seq: request.seq, verb: "OK", args: [this.boot, ...ok], ...payload };
  }

  #answer(request: Frame): MemoryReply {
    const { verb, args, payload = Buffer.alloc(0) } = request;
    switch (verb) {
      case "HELLO":
        return this.#greet(args[1] ?? "");
      case "HASH":
        return { ok: [hexOf(sha256(Buffer.from(args[0] ?? "", "hex")))] };
      case "BATCH":
        return batch(Number(args[0]), args[1] ?? "", payload);
      case "IMAGE":
        return this.#image.answer(request);
      case "WORK":
        return { ok: [args[1] ?? "", ...this.search] };
      case "ATTEST":
        return { ok: [this.#mac("lv06/attest/1", ...args.map(bytesOf), bytesOf(this.boot))] };
      case "KEY":
        return { ok: [this.#mac("lv06/key/1", ...args.map(bytesOf), Buffer.of(1))] };
      case "HEALTH":
        return { ok: ["tempC=58.2", "uptimeS=12", "resetReason=power-on"] };
      case "BAUD":
        return { ok: [args[0] ?? ""] };
      case "PING":
      case "LOG":
      case "RESET":
        return { ok: [] };
      default:
        return { err: ["VERB", "unknown"] };
    }
  }

  #greet(nonce: string): MemoryReply {
    this.#image.forget();
    const { lines, bytes } = this.credits;
    const limits = Object.entries({ ...this.hello, lines, bytes }).map(([key, value]) => `${key}=${value}`);
    return { ok: ["proto=1", `nonce=${nonce}`, ...limits] };
  }

  #mac(tag: string, ...parts: readonly Uint8Array[]): string {
    const message = Buffer.concat([Buffer.from(tag.padEnd(16, "\0"), "latin1"), ...parts]);
    return createHmac("sha256", this.key).update(message).digest("hex");
  }
}

const bytesOf = (hex: string) => Buffer.from(hex, "hex");

function batch(size: number, want: string, payload: Uint8Array): MemoryReply {
  if (payload.length % size !== 0) return { err: ["PAYLOAD"] };
  const blocks = Array.from({ length: payload.length / size }, (_, i) => payload.subarray(i * size, (i + 1) * size));
  const digests = Buffer.concat(blocks.map(sha256));
  return want === "root" ? { ok: [hexOf(merkleRoot(digests))] } : { ok: [], payload: digests };
}
