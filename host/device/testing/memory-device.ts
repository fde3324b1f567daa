/** A device in this process, for tests that need to drop, delay, reorder or falsify what it says. */
import { sha256 } from "../digest.ts";
import { LineDecoder } from "../link/decoder.ts";
import { encodeFrame, type Frame } from "../link/frame.ts";
import type { Transport } from "../transport.ts";

/** What becomes of a request: the replies to send now; an empty list loses it. */
export type Behaviour = (request: Frame, honest: (request: Frame) => Frame) => readonly Frame[];

export class MemoryDevice implements Transport {
  readonly name = "memory";
  /** Every frame the host sent, in order. */
  readonly received: Frame[] = [];
  boot = "1a2b3c4d";
  behaviour: Behaviour;
  credits = { lines: 8, bytes: 4096 };
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
    const reply = (...args: string[]): Frame => ({ seq: request.seq, verb: "OK", args: [this.boot, ...args] });
    switch (request.verb) {
      case "HELLO":
        return reply(...this.#hello(request.args[1] ?? ""));
      case "HASH":
        return reply(Buffer.from(sha256(Buffer.from(request.args[0] ?? "", "hex"))).toString("hex"));
      case "HEALTH":
        return reply("tempC=58.2", "uptimeS=12", "resetReason=power-on");
      case "PING":
        return reply();
      default:
        return { seq: request.seq, verb: "ERR", args: [this.boot, "VERB", "unknown"] };
    }
  }

  #hello(nonce: string): string[] {
    const { lines, bytes } = this.credits;
    const limits = [`maxLine=2304`, `lines=${lines}`, `bytes=${bytes}`, "maxBlock=1024"];
    return ["proto=1", `nonce=${nonce}`, "firmware=memory/1", "device=memory", "caps=hash,health", ...limits];
  }
}
