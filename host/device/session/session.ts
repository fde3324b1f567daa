/** One connection's conversation: drives `Exchange` with a transport and a clock. */
import { type Clock, sleep } from "../clock.ts";
import { DeviceError } from "../errors.ts";
import { LineDecoder, type LinkCounters } from "../link/decoder.ts";
import type { Transport } from "../transport.ts";
import { Exchange, type ExchangeCounters, type Output, type RetryPolicy } from "./exchange.ts";
import { FIRST_CREDITS, type Hello, MAX_LINE_BYTES, PROTOCOL_VERSION, parseHello } from "./hello.ts";

export interface SessionOptions {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The line's rate in bits a second; default 115,200. Only waits depend on it. */
  readonly baud?: number;
  /** Silence before the first HELLO, in ms: a device that opening the port has reset says its piece. Default 300. */
  readonly quietMs?: number;
  /** How long HELLO is repeated, in ms; default 5,000, a boot with its log. */
  readonly helloMs?: number;
  /** Requests that may wait for credits; default 4,096. */
  readonly queueMax?: number;
}

export interface SessionCounters extends LinkCounters, ExchangeCounters {}

interface Waiter {
  readonly resolve: (reply: { readonly args: readonly string[]; readonly boot: string }) => void;
  readonly reject: (error: DeviceError) => void;
}

const HELLO_EVERY_MS = 500;
/** One send and up to three more: 0.3, 0.9, 2.1 and 4.5 s after the first, besides the line's own time. */
const RETRY: RetryPolicy = { firstMs: 300, factor: 2, tries: 4 };
const TICK_MS = 50;
const DEFAULT_DEADLINE_MS = 10_000;
const BITS_PER_BYTE = 10;

export class Session {
  readonly #transport: Transport;
  readonly #options: SessionOptions;
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  readonly #exchange: Exchange;
  readonly #waiters = new Map<number, Waiter>();
  readonly #goneListeners: ((reason: DeviceError) => void)[] = [];
  #nextId = 1;
  #outbox: Uint8Array[] = [];
  #cancelTimer: (() => void) | undefined;
  #gone: DeviceError | undefined;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #lastLog = "";
  #hello: Hello | undefined;

  private constructor(transport: Transport, options: SessionOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#exchange = new Exchange(
      {
        firstSeq: Math.floor(options.random() * 0x10000),
        queueMax: options.queueMax ?? 4096,
        bytesPerMs: (options.baud ?? 115_200) / BITS_PER_BYTE / 1000,
      },
      FIRST_CREDITS,
    );
    transport.onChunk((chunk) => this.#receive(chunk));
    transport.onClose((reason) => this.#end(closed(transport, reason)));
  }

  /**
   * Shakes hands over a fresh connection, which the session owns from here on, also when this fails.
   *
   * @throws DeviceError DEVICE_NO_HELLO, DEVICE_PROTOCOL, DEVICE_CLOSED
   */
  static async open(transport: Transport, options: SessionOptions): Promise<Session> {
    const session = new Session(transport, options);
    try {
      await session.#shakeHands();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** What the device said of itself. */
  get hello(): Hello {
    if (this.#hello === undefined) throw new DeviceError("DEVICE_NO_HELLO", `${this.#transport.name} is not open yet`);
    return this.#hello;
  }

  /** When the device last said something that made sense, by the session's clock. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  get counters(): SessionCounters {
    return { ...this.#decoder.counters, ...this.#exchange.counters };
  }

  /**
   * Sends one request; it is repeated when no reply comes.
   *
   * @param deadlineMs from now, waiting for credits included; default 10,000
   * @returns the reply's arguments after the boot id
   * @throws DeviceError DEVICE_REFUSED, DEVICE_DEADLINE, DEVICE_REBOOTED, DEVICE_CLOSED, DEVICE_BUSY, DEVICE_LIMIT
   */
  async request(verb: string, args: readonly string[], deadlineMs = DEFAULT_DEADLINE_MS): Promise<readonly string[]> {
    const lineBytes = args.reduce((sum, word) => sum + word.length + 1, verb.length + 16);
    const mostBytes = Math.min(this.hello.maxLineBytes, this.hello.credits.bytes);
    if (lineBytes > mostBytes) {
      throw new DeviceError("DEVICE_LIMIT", `a line of ${lineBytes} bytes; the device takes ${mostBytes}`);
    }
    return (await this.#exchangeOne(verb, args, deadlineMs, RETRY)).args;
  }

  /** Calls `listener` once when the conversation is over; at once if it already is. */
  onGone(listener: (reason: DeviceError) => void): void {
    if (this.#gone === undefined) this.#goneListeners.push(listener);
    else listener(this.#gone);
  }

  async close(): Promise<void> {
    this.#end(new DeviceError("DEVICE_CLOSED", `${this.#transport.name} was closed by the appliance`));
    await this.#transport.close();
  }

  async #shakeHands(): Promise<void> {
    const { clock, random, quietMs = 300, helloMs = 5000 } = this.#options;
    await sleep(clock, quietMs);
    // Ends whatever half line the device may hold.
    this.#post(Buffer.from("\n\n"));
    const nonce = Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
    const tries = Math.max(1, Math.ceil(helloMs / HELLO_EVERY_MS));
    const args = [String(PROTOCOL_VERSION), nonce];
    const policy = { firstMs: HELLO_EVERY_MS, factor: 1, tries };
    const reply = await this.#exchangeOne("HELLO", args, helloMs, policy).catch((error: unknown) => {
      throw this.#explain(error);
    });
    this.#hello = parseHello(reply.args, reply.boot, nonce);
    this.#exchange.adopt(reply.boot, this.#hello.credits);
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof DeviceError)) return error;
    if (error.code === "DEVICE_REFUSED") return new DeviceError("DEVICE_PROTOCOL", error.detail, { cause: error });
    if (error.code !== "DEVICE_DEADLINE") return error;
    const heard = this.#lastLog === "" ? "nothing readable was heard" : `last heard: ${this.#lastLog.slice(0, 120)}`;
    return new DeviceError("DEVICE_NO_HELLO", `${this.#transport.name} did not answer HELLO; ${heard}`);
  }

  #exchangeOne(verb: string, args: readonly string[], deadlineMs: number, retry: RetryPolicy) {
    return new Promise<{ readonly args: readonly string[]; readonly boot: string }>((resolve, reject) => {
      if (this.#gone !== undefined) return reject(this.#gone);
      const id = this.#nextId++;
      const nowMs = this.#options.clock.nowMs();
      const out: Output[] = [];
      this.#waiters.set(id, { resolve, reject });
      this.#exchange.submit({ id, verb, args, deadlineAtMs: nowMs + deadlineMs, retry }, nowMs, out);
      this.#perform(out);
    });
  }

  #receive(chunk: Uint8Array): void {
    if (this.#gone !== undefined) return;
    const nowMs = this.#options.clock.nowMs();
    const out: Output[] = [];
    for (const event of this.#decoder.push(chunk)) {
      if (event.kind === "frame") this.#heardAtMs = nowMs;
      if (event.kind === "log") this.#lastLog = event.text;
      this.#exchange.receive(event, nowMs, out);
    }
    this.#perform(out);
  }

  #tick(): void {
    this.#cancelTimer = undefined;
    const out: Output[] = [];
    this.#exchange.tick(this.#options.clock.nowMs(), out);
    this.#perform(out);
  }

  #perform(outputs: readonly Output[]): void {
    for (const output of outputs) {
      switch (output.kind) {
        case "send":
          this.#post(output.bytes);
          break;
        case "reply":
          this.#take(output.id)?.resolve(output);
          break;
        case "failed":
          this.#take(output.id)?.reject(new DeviceError(output.code, `${this.#transport.name}: ${output.detail}`));
          break;
        case "rebooted":
          this.#end(new DeviceError("DEVICE_REBOOTED", `${this.#transport.name} restarted (boot ${output.boot})`));
          void this.#transport.close();
          break;
      }
    }
    this.#arm();
  }

  #take(id: number): Waiter | undefined {
    const waiter = this.#waiters.get(id);
    this.#waiters.delete(id);
    return waiter;
  }

  /** One write for all that a turn of the event loop produces: a serial port pays by the write, not by the byte. */
  #post(bytes: Uint8Array): void {
    this.#outbox.push(bytes);
    if (this.#outbox.length > 1) return;
    process.nextTick(() => {
      const batch = this.#outbox;
      this.#outbox = [];
      if (this.#gone !== undefined) return;
      // Not awaited: a write to a port that has gone may never come back; every request has its own deadline.
      this.#transport.write(Buffer.concat(batch)).catch((error: unknown) => this.#end(closed(this.#transport, error)));
    });
  }

  /** One timer at a time; it looks at everything pending, so a request that joins meanwhile waits a tick at most. */
  #arm(): void {
    if (this.#gone !== undefined || this.#cancelTimer !== undefined) return;
    const atMs = this.#exchange.nextWakeAtMs();
    if (atMs === undefined) return;
    const delayMs = Math.min(TICK_MS, Math.max(1, Math.ceil(atMs - this.#options.clock.nowMs())));
    this.#cancelTimer = this.#options.clock.after(delayMs, () => this.#tick());
  }

  #end(reason: DeviceError): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#cancelTimer?.();
    const out: Output[] = [];
    this.#exchange.failAll(reason.code, reason.detail, out);
    for (const waiter of this.#waiters.values()) waiter.reject(reason);
    this.#waiters.clear();
    for (const listener of this.#goneListeners.splice(0)) listener(reason);
  }
}

function closed(transport: Transport, cause: unknown): DeviceError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new DeviceError("DEVICE_CLOSED", `${transport.name} is gone: ${why}`, { cause });
}
