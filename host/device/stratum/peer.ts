/** One connection: bytes in, a conversation, bytes out. */
import { Conversation, type ConversationOptions, type Decision, type Output } from "./conversation.ts";
import type { DropReason } from "./limits.ts";
import { LineSplitter } from "./lines.ts";
import type { Moment } from "./miner-work.ts";

/** The edge: a socket, or anything that takes text. */
export interface Wire {
  /** Where the other side is, without its port. */
  readonly address: string;
  /** What was sent and not yet taken, in bytes. */
  readonly unreadBytes: number;
  send(text: string): void;
  /** @param politely lets what was sent arrive first; some firmware restarts when a connection breaks off */
  close(politely: boolean): void;
}

export interface PeerEvents {
  decided(peer: Peer, decision: Decision): void;
  /** Once, at the end, whoever ended it. */
  ended(peer: Peer, reason: DropReason): void;
}

/** Ends in which the miner did nothing wrong. */
const POLITE: ReadonlySet<DropReason> = new Set([
  "closed-by-bridge",
  "closed-by-peer",
  "idle",
  "refused-worker",
  "unauthorised",
]);

export class Peer {
  readonly wire: Wire;
  readonly conversation: Conversation;
  /** Hex. */
  readonly extranonce1: string;
  readonly #lines: LineSplitter;
  readonly #events: PeerEvents;
  readonly #unreadLimitBytes: number;
  #ended = false;

  constructor(wire: Wire, options: ConversationOptions, events: PeerEvents, at: Moment) {
    this.wire = wire;
    this.conversation = new Conversation(options, at);
    this.extranonce1 = Buffer.from(options.extranonce1).toString("hex");
    this.#lines = new LineSplitter(options.limits.lineBytes);
    this.#unreadLimitBytes = options.limits.unreadBytes;
    this.#events = events;
  }

  receive(chunk: Uint8Array, at: Moment): void {
    if (this.#ended) return;
    const { lines, tooLong } = this.#lines.feed(chunk);
    const outputs: Output[] = [];
    for (const line of lines) outputs.push(...this.conversation.receive(line, at));
    this.perform(outputs);
    if (tooLong) this.end("line-too-long");
  }

  /** What the conversation decided; texts leave in one write, ahead of what follows from the rest. */
  perform(outputs: readonly Output[]): void {
    if (this.#ended || outputs.length === 0) return;
    const text = outputs.map((output) => (output.kind === "send" ? output.text : "")).join("");
    if (text !== "") this.wire.send(text);
    for (const output of outputs) {
      // What was sent may have ended it: then nothing of it is to be entered any more.
      if (this.#ended) return;
      if (output.kind === "drop") this.end(output.reason);
      else if (output.kind !== "send") this.#events.decided(this, output);
    }
    if (this.wire.unreadBytes > this.#unreadLimitBytes) this.end("slow-reader");
  }

  /** Idempotent. */
  end(reason: DropReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.wire.close(POLITE.has(reason));
    this.#events.ended(this, reason);
  }
}
