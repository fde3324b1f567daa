/**
 * The line as it is: frames by hand, and everything that is heard. Nothing is repeated, nothing is matched but by number:
 * for cases about the device, which the host's own driver would be in the way of.
 */
import { crc32 } from "node:zlib";
import { errorCode } from "../../../../host/base/error.ts";
import { LineDecoder } from "../../../../host/device/link/decoder.ts";
import { encodeFrame, type Frame, frameBytes, type LinkEvent } from "../../../../host/device/link/frame.ts";
import { randomHex8 } from "../../../../host/device/session/handshake.ts";
import { type Hello, MAX_LINE_BYTES, parseHello } from "../../../../host/device/session/hello.ts";
import type { Transport } from "../../../../host/device/transport.ts";
import type { UsbBench } from "../../../rig/bench.ts";
import { expectThat } from "../../../rig/case.ts";

/** A real port that was pulled takes a while to be there again. */
export const CONNECT_MS = 20_000;
const HELLO_EVERY_MS = 500;
const HELLO_TRIES = 10;
export const REPLY_MS = 5000;
const SEQ_END = 0xffff;

interface Waiting {
  readonly matches: (event: LinkEvent) => boolean;
  readonly resolve: (event: LinkEvent) => void;
}

export class RawLine {
  /** Everything that was heard, in order. */
  readonly heard: LinkEvent[] = [];
  /** When the last of it was, by the bench's clock. */
  heardAtMs = 0;
  readonly transport: Transport;
  readonly #bench: UsbBench;
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  readonly #waiting = new Set<Waiting>();
  #seq: number;
  #hello: Hello | undefined;

  private constructor(bench: UsbBench, transport: Transport) {
    this.#bench = bench;
    this.transport = transport;
    // Low digits only, so that every number is used once in a case.
    this.#seq = Math.floor(bench.random() * 0x8000);
    transport.onChunk((chunk) => this.#receive(chunk));
    transport.onClose(() => {});
  }

  /** Nothing was said yet. */
  static async connect(bench: UsbBench): Promise<RawLine> {
    return new RawLine(bench, await bench.settle(bench.connect(), CONNECT_MS));
  }

  /** After a handshake. */
  static async open(bench: UsbBench, maxLine = MAX_LINE_BYTES): Promise<RawLine> {
    const line = await RawLine.connect(bench);
    await line.greet(maxLine);
    return line;
  }

  get hello(): Hello {
    expectThat(this.#hello !== undefined, "nothing was said on this line yet");
    return this.#hello;
  }

  get boot(): string {
    return this.hello.boot;
  }

  /** What HELLO lets be sent in one line. */
  get lineBytes(): number {
    return Math.min(this.hello.maxLineBytes, this.hello.credits.bytes);
  }

  /** The same HELLO until it is answered: opening a port may restart a device. */
  async greet(maxLine = MAX_LINE_BYTES): Promise<Frame> {
    const hello = this.make("HELLO", ["1", randomHex8(this.#bench.random), `maxLine=${maxLine}`]);
    await this.say("\n\n");
    for (let tries = 1; ; tries++) {
      try {
        await this.say(hello.bytes);
        const reply = await this.reply(hello.seq, 0, HELLO_EVERY_MS);
        expectThat(reply.verb === "OK", `HELLO was refused: ${reply.args.join(" ")}`);
        this.#hello = parseHello(reply.args.slice(1), reply.args[0] ?? "");
        return reply;
      } catch (error) {
        if (errorCode(error) !== "RIG_DEADLINE" || tries === HELLO_TRIES) throw error;
      }
    }
  }

  nextSeq(): number {
    this.#seq = this.#seq >= SEQ_END ? 1 : this.#seq + 1;
    return this.#seq;
  }

  /** A request's line under the next number, not sent yet. */
  make(verb: string, args: readonly string[] = [], payload?: Uint8Array) {
    const frame = { seq: this.nextSeq(), verb, args, ...(payload === undefined ? {} : { payload }) };
    return { seq: frame.seq, bytes: encodeFrame(frame) };
  }

  /** A line with a payload as it stands on the line, stuffed rightly or not, under a right CRC. */
  makeRaw(words: string, payload: Uint8Array): Buffer {
    const head = `~${this.nextSeq().toString(16).padStart(4, "0")} ${words} :`;
    const body = Buffer.concat([Buffer.from(head, "latin1"), payload, Buffer.from(" ")]);
    return Buffer.concat([body, Buffer.from(`${crc32(body).toString(16).padStart(8, "0")}\n`)]);
  }

  say(bytes: Uint8Array | string): Promise<void> {
    return this.#bench.settle(this.transport.write(Buffer.from(bytes)), CONNECT_MS);
  }

  /** @returns its number */
  async send(verb: string, args: readonly string[] = [], payload?: Uint8Array): Promise<number> {
    const { seq, bytes } = this.make(verb, args, payload);
    await this.say(bytes);
    return seq;
  }

  /** One request and what answers it. */
  async ask(verb: string, args: readonly string[] = [], payload?: Uint8Array): Promise<Frame> {
    return this.reply(await this.send(verb, args, payload));
  }

  /** @param from where in `heard` to begin */
  async reply(seq: number, from = 0, deadlineMs = REPLY_MS): Promise<Frame> {
    const event = await this.until((each) => isReply(each, seq), from, deadlineMs);
    return event.kind === "frame" ? event.frame : { seq, verb: "", args: [] };
  }

  until(matches: (event: LinkEvent) => boolean, from = 0, deadlineMs = REPLY_MS): Promise<LinkEvent> {
    const already = this.heard.slice(from).find(matches);
    if (already !== undefined) return Promise.resolve(already);
    let waiting: Waiting | undefined;
    const coming = new Promise<LinkEvent>((resolve) => {
      waiting = { matches, resolve };
      this.#waiting.add(waiting);
    });
    return this.#bench.settle(coming, deadlineMs).finally(() => waiting && this.#waiting.delete(waiting));
  }

  /**
   * A device works requests off in the order of their arrival: after PING's answer nothing more comes for what was sent
   * before it. A refusal is a sign of life too.
   *
   * @returns what was heard from `from` on, without that answer
   */
  async sync(from = this.heard.length): Promise<readonly LinkEvent[]> {
    const seq = await this.send("PING");
    await this.reply(seq);
    return this.heard.slice(from).filter((event) => !isReply(event, seq));
  }

  /** A request that fits HELLO's limits. */
  fits(verb: string, args: readonly string[], payload?: Uint8Array): boolean {
    return frameBytes({ verb, args, ...(payload === undefined ? {} : { payload }) }) <= this.lineBytes;
  }

  close(): Promise<void> {
    return this.#bench.settle(this.transport.close(), CONNECT_MS);
  }

  #receive(chunk: Uint8Array): void {
    this.heardAtMs = this.#bench.clock.nowMs();
    for (const event of this.#decoder.push(chunk)) {
      this.heard.push(event);
      for (const waiting of this.#waiting) if (waiting.matches(event)) waiting.resolve(event);
    }
  }
}

function isReply(event: LinkEvent, seq: number): boolean {
  return event.kind === "frame" && event.frame.seq === seq && (event.frame.verb === "OK" || event.frame.verb === "ERR");
}
