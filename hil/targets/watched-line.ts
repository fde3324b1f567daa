/** The line to a real device, as a case is given it: watched by the rig, whose own words are not a part of it. */
import { CodedError, errorMessage } from "../../host/base/error.ts";
import { DeviceError } from "../../host/device/errors.ts";
import { LineDecoder } from "../../host/device/link/decoder.ts";
import type { LinkEvent } from "../../host/device/link/frame.ts";
import { helloNonce, MAX_LINE_BYTES } from "../../host/device/session/hello.ts";
import { parsePairs } from "../../host/device/session/pairs.ts";
import type { ModemLines, Transport } from "../../host/device/transport.ts";
import { RigError } from "../rig/error.ts";

/** Where every device starts (SPEC 5.9). */
export const START_BAUD = 115_200;
/** The number of what the rig says itself. */
export const OWN_SEQ = 0xfffe;
const OWN_REPLY = "~fffe ";

/** Which it is, and was, is not told: a report must not tell it either. */
export function wrongDevice(path: string): RigError {
  return new RigError("RIG_WRONG_DEVICE", `another device answers at ${path} than when the run began`);
}

/**
 * Knows the line's rate, and the boot that answers on it. What comes before anybody listens is dropped, and a line at
 * whose other end is another device ends.
 */
export class WatchedLine implements Transport {
  readonly name: string;
  readonly lines?: ModemLines;
  readonly startBaud?: number;
  readonly setRate: (baud: number) => Promise<void>;
  baud = START_BAUD;
  boot: string | undefined;
  /** Another device has answered HELLO. */
  stranger = false;
  readonly #inner: Transport;
  readonly #id: string;
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  /** While the reply to what was the rig's own is awaited: what may be its beginning. */
  #held: Buffer | undefined;
  #listener: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};

  constructor(inner: Transport, id: string) {
    this.name = inner.name;
    this.#id = id;
    if (inner.lines !== undefined) this.lines = inner.lines;
    if (inner.startBaud !== undefined) this.startBaud = inner.startBaud;
    this.#inner = inner;
    inner.onChunk((chunk) => this.#hear(chunk));
    this.setRate = async (baud) => {
      await inner.setRate?.(baud);
      this.baud = baud;
    };
  }

  /** What the rig says between the case's words: neither it nor its reply is a part of the case. */
  writeOwn(bytes: Uint8Array): Promise<void> {
    this.#held = Buffer.alloc(0);
    return this.write(bytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#inner.write(bytes);
    } catch (error) {
      throw this.#ended(error);
    }
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#listener = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
    this.#inner.onClose((reason) => this.#onClose(this.#ended(reason)));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #hear(chunk: Uint8Array): void {
    if (this.stranger) return;
    for (const event of this.#decoder.push(chunk)) this.#watch(event);
    if (this.stranger) return void this.#inner.close().catch(() => {});
    const rest = this.#held === undefined ? chunk : this.#withoutOwn(Buffer.concat([this.#held, chunk]));
    if (rest.length > 0) this.#listener(rest);
  }

  /** All but the reply to what was the rig's own, or its beginning. */
  #withoutOwn(heard: Buffer): Uint8Array {
    const from = heard.indexOf(OWN_REPLY);
    const to = from < 0 ? -1 : heard.indexOf("\n", from);
    if (to >= 0) {
      this.#held = undefined;
      return Buffer.concat([heard.subarray(0, from), heard.subarray(to + 1)]);
    }
    const lastLine = heard.lastIndexOf("\n") + 1;
    const tail = heard.subarray(lastLine).toString("latin1");
    const mayBeOwn = tail.startsWith(OWN_REPLY) || OWN_REPLY.startsWith(tail);
    this.#held = heard.subarray(mayBeOwn ? lastLine : heard.length);
    return heard.subarray(0, heard.length - this.#held.length);
  }

  #watch(event: LinkEvent): void {
    if (event.kind !== "frame" || event.frame.verb !== "OK") return;
    const [boot, ...words] = event.frame.args;
    this.boot = boot;
    const device = parsePairs(words).get("device");
    if (helloNonce(words) !== undefined && device !== undefined && device !== this.#id) this.stranger = true;
  }

  /** With a code and a remedy, whatever the port says. */
  #ended(reason: unknown): Error {
    if (this.stranger) return wrongDevice(this.name);
    if (reason instanceof CodedError) return reason;
    return new DeviceError("DEVICE_CLOSED", errorMessage(reason), { cause: reason });
  }
}
