/** One connection's conversation: drives `Exchange` with a transport and a clock. */
import { sleep } from "../clock.ts";
import { DeviceError } from "../errors.ts";
import { LineDecoder } from "../link/decoder.ts";
import { checkContents, frameBytes } from "../link/frame.ts";
import { Redactor } from "../link/redact.ts";
import type { Transport } from "../transport.ts";
import { Ears } from "./ears.ts";
import { bootError, closedError, End, noHello } from "./ends.ts";
import { Exchange } from "./exchange.ts";
import { shakeHands } from "./handshake.ts";
import { FIRST_CREDITS, type Hello, MAX_LINE_BYTES } from "./hello.ts";
import type { SessionCounters, SessionHeld, SessionOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { changeRate, rateSetter } from "./rate-change.ts";
import { type Call, type Output, type Reply, requestOf } from "./request.ts";
import { Waiters } from "./waiters.ts";

const TICK_MS = 50;
const DEFAULT_BAUD = 115_200;
const PROBE_DEADLINE_MS = 5000;
/** Boot text comes in dozens of lines; one PING looks after all of them. */
const PROBE_EVERY_MS = 250;

export class Session {
  readonly #transport: Transport;
  readonly #options: SessionOptions;
  readonly #decoder = new LineDecoder(MAX_LINE_BYTES);
  readonly #redactor = new Redactor();
  readonly #exchange: Exchange;
  readonly #waiters = new Waiters();
  readonly #outbox: Outbox;
  readonly #end = new End();
  readonly #noticeListeners = new Set<(args: readonly string[]) => void>();
  readonly #idleListeners: (() => void)[] = [];
  #cancelTimer: (() => void) | undefined;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  readonly #ears = new Ears();
  #probing = false;
  #changingRate = false;
  #baud: number;
  #hello: Hello | undefined;

  private constructor(transport: Transport, options: SessionOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#baud = options.baud ?? DEFAULT_BAUD;
    const firstSeq = Math.floor(options.random() * 0x10000);
    const queueMax = options.queueMax ?? 4096;
    this.#exchange = new Exchange({ firstSeq, queueMax, baud: this.#baud }, FIRST_CREDITS);
    this.#outbox = new Outbox((bytes) => this.#write(bytes));
    transport.onChunk((chunk) => this.#receive(chunk));
    transport.onClose((reason) => this.#finish(closedError(transport.name, reason)));
  }

  /**
   * Shakes hands over a fresh connection, which the session owns from here on, also when this fails.
   *
   * @throws DeviceError DEVICE_NO_HELLO, DEVICE_BOOTLOADER, DEVICE_BROWNOUT, DEVICE_CRASHED, DEVICE_PROTOCOL,
   *   DEVICE_CLOSED
   */
  static async open(transport: Transport, options: SessionOptions): Promise<Session> {
    const session = new Session(transport, options);
    try {
      await session.#greet();
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

  /** When the device last answered a request, by the session's clock: notices alone are no sign of health. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  get counters(): SessionCounters {
    return { ...this.#decoder.counters, ...this.#exchange.counters };
  }

  get held(): SessionHeld {
    const listeners = this.#end.listeners + this.#noticeListeners.size + this.#idleListeners.length;
    return { ...this.#exchange.held, ...this.#waiters.held, listeners };
  }

  /** The line's present rate, in baud. */
  get baud(): number {
    return this.#baud;
  }

  /** The longest line that may be sent. */
  get lineBytes(): number {
    return Math.min(this.hello.maxLineBytes, this.hello.credits.bytes);
  }

  /**
   * Sends one request; it is repeated when no reply comes.
   *
   * @throws DeviceError DEVICE_REFUSED (with the refusal), DEVICE_DEADLINE, DEVICE_ABORTED, DEVICE_CLOSED,
   *   DEVICE_BUSY, DEVICE_LIMIT, or what ended the conversation; RangeError for a call that no frame can carry
   */
  async request(call: Call): Promise<Reply> {
    checkContents(call);
    const lineBytes = frameBytes(call);
    if (lineBytes > this.lineBytes) {
      throw new DeviceError("DEVICE_LIMIT", `a line of ${lineBytes} bytes; the device takes ${this.lineBytes}`);
    }
    return this.#ask(call);
  }

  /** Calls `listener` with the words of every WORK notice, after the boot id. @returns a function that ends it */
  onNotice(listener: (args: readonly string[]) => void): () => void {
    this.#noticeListeners.add(listener);
    return () => this.#noticeListeners.delete(listener);
  }

  /** Calls `listener` once when the conversation is over; at once if it already is. @returns a function that ends it */
  onGone(listener: (reason: DeviceError) => void): () => void {
    return this.#end.listen(listener);
  }

  /**
   * Moves the line to another rate; requests wait meanwhile.
   *
   * @throws DeviceError DEVICE_UNSUPPORTED, DEVICE_LIMIT, DEVICE_BUSY; DEVICE_RATE if the line stays as it was; what
   *   ended the conversation if the two lost each other
   */
  async setRate(baud: number): Promise<void> {
    const setRate = rateSetter(this.#transport, this.hello.rates, baud);
    if (baud === this.#baud) return;
    if (this.#changingRate) throw new DeviceError("DEVICE_BUSY", "the rate is being changed already");
    this.#changingRate = true;
    this.#exchange.hold();
    try {
      await this.#idle();
      await this.#changeRate(setRate, baud);
    } finally {
      this.#changingRate = false;
      this.#step((nowMs, out) => this.#exchange.release(nowMs, out));
    }
  }

  close(): Promise<void> {
    return this.#abandon(new DeviceError("DEVICE_CLOSED", `${this.#transport.name} was closed by the appliance`));
  }

  async #greet(): Promise<void> {
    const { clock, random, quietMs = 300, helloMs = 5000 } = this.#options;
    await sleep(clock, quietMs);
    // Ends whatever half line the device may hold.
    this.#outbox.post(Buffer.from("\n\n"));
    try {
      const hello = await shakeHands((call) => this.#ask(call), random, helloMs);
      this.#hello = hello;
      this.#ears.forget();
      this.#exchange.adopt(hello.boot, hello.credits);
    } catch (error) {
      throw noHello(error, this.#transport.name, this.#ears);
    }
  }

  async #changeRate(setRate: (baud: number) => Promise<void>, baud: number): Promise<void> {
    const line = {
      clock: this.#options.clock,
      ask: (call: Call) => this.#ask(call),
      post: (bytes: Uint8Array) => this.#outbox.post(bytes),
      setRate: async (rate: number) => {
        await setRate(rate);
        this.#baud = rate;
        this.#exchange.pace(rate);
      },
    };
    try {
      await changeRate(line, this.#baud, baud);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      if (error.code !== "DEVICE_RATE" && error.code !== "DEVICE_REFUSED") await this.#abandon(error);
      throw error;
    }
  }

  #ask(call: Call): Promise<Reply> {
    const { signal } = call;
    if (this.#end.reason !== undefined) return Promise.reject(this.#end.reason);
    if (signal?.aborted) return Promise.reject(new DeviceError("DEVICE_ABORTED", "the caller gave up"));
    const cancel = (id: number) => this.#step((_, out) => this.#exchange.cancel(id, out));
    return this.#waiters.wait(signal, cancel, (id) =>
      this.#step((nowMs, out) => this.#exchange.submit(requestOf(call, id, nowMs), nowMs, out)),
    );
  }

  #receive(chunk: Uint8Array): void {
    if (this.#end.reason !== undefined) return;
    this.#step((nowMs, out) => {
      for (const event of this.#decoder.push(chunk)) {
        if (event.kind === "log") this.#hearLog(event.text);
        this.#exchange.receive(event, nowMs, out);
      }
    });
  }

  /** Text is never data: what sounds like a restart is put to the test. */
  #hearLog(raw: string): void {
    const text = this.#redactor.text(raw);
    const restarts = this.#ears.hear(raw, text);
    this.#options.onLog?.(text);
    if (restarts && this.#hello !== undefined && !this.#probing) void this.#probe();
  }

  async #probe(): Promise<void> {
    this.#probing = true;
    try {
      await this.#ask({ verb: "PING", args: [], urgent: true, deadlineMs: PROBE_DEADLINE_MS });
      this.#ears.forget();
      await sleep(this.#options.clock, PROBE_EVERY_MS);
    } catch (error) {
      const silent = error instanceof DeviceError && error.code === "DEVICE_DEADLINE" && !this.#changingRate;
      if (silent) await this.#abandon(bootError(this.#transport.name, this.#ears));
    } finally {
      this.#probing = false;
    }
  }

  #step(input: (nowMs: number, out: Output[]) => void): void {
    const out: Output[] = [];
    input(this.#options.clock.nowMs(), out);
    for (const output of out) this.#perform(output);
    if (this.#exchange.unanswered === 0) for (const listener of this.#idleListeners.splice(0)) listener();
    this.#arm();
  }

  #perform(output: Output): void {
    switch (output.kind) {
      case "send":
        this.#redactor.sent(output);
        this.#outbox.post(output.bytes);
        break;
      case "reply":
        this.#heardAtMs = this.#options.clock.nowMs();
        this.#waiters.resolve(output.id, output.reply);
        break;
      case "failed": {
        const { id, code, detail, refusal } = output;
        const options = refusal === undefined ? {} : { refusal };
        if (refusal !== undefined) this.#heardAtMs = this.#options.clock.nowMs();
        this.#waiters.reject(id, new DeviceError(code, `${this.#transport.name}: ${detail}`, options));
        break;
      }
      case "notice":
        for (const listener of this.#noticeListeners) listener(output.args);
        break;
      case "rebooted":
        void this.#abandon(bootError(this.#transport.name, this.#ears, output));
        break;
    }
  }

  /**
   * Not awaited: a write to a port that has gone may never come back; every request has its own deadline. One that
   * fails ends the connection here too: a port that stays open is locked for whoever tries again.
   */
  #write(bytes: Uint8Array): void {
    if (this.#end.reason !== undefined) return;
    const failed = (cause: unknown) => void this.#abandon(closedError(this.#transport.name, cause));
    this.#transport.write(bytes).catch(failed);
  }

  #idle(): Promise<void> {
    if (this.#exchange.unanswered === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.push(resolve));
  }

  /** One timer at a time; it looks at everything pending, so a request that joins meanwhile waits a tick at most. */
  #arm(): void {
    if (this.#end.reason !== undefined || this.#cancelTimer !== undefined) return;
    const atMs = this.#exchange.nextWakeAtMs();
    if (atMs === undefined) return;
    const delayMs = Math.min(TICK_MS, Math.max(1, Math.ceil(atMs - this.#options.clock.nowMs())));
    this.#cancelTimer = this.#options.clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#step((now, out) => this.#exchange.tick(now, out));
    });
  }

  #abandon(reason: DeviceError): Promise<void> {
    this.#finish(reason);
    return this.#transport.close();
  }

  #finish(reason: DeviceError): void {
    if (!this.#end.begin(reason)) return;
    this.#cancelTimer?.();
    this.#exchange.failAll(reason.code, reason.detail, []);
    this.#waiters.rejectAll(reason);
    for (const listener of this.#idleListeners.splice(0)) listener();
    this.#end.tell();
  }
}
