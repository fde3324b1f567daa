/** An LV06 with direct-hash firmware, or its model, as a Device. */

import { atMost } from "../clock.ts";
import type {
  Attestation,
  Capability,
  DeviceHealth,
  DeviceImage,
  DeviceInfo,
  ImageAnswer,
  ImageOptions,
  ImageQuestion,
  LiveDevice,
  RequestOptions,
  WorkJob,
  WorkOptions,
  WorkOutcome,
} from "../device.ts";
import { DeviceError } from "../errors.ts";
import { expectWords } from "../session/commands/data.ts";
import { hashBlocks } from "../session/commands/hash.ts";
import { askImage } from "../session/commands/image.ts";
import { attest, deriveKey } from "../session/commands/keyed.ts";
import { TurnQueue } from "../session/commands/turns.ts";
import { searchWork } from "../session/commands/work.ts";
import { parseHealth } from "../session/health.ts";
import type { Hello } from "../session/hello.ts";
import type { SessionCounters, SessionHeld, SessionOptions } from "../session/options.ts";
import { RateLadder, START_BAUD } from "../session/rate-ladder.ts";
import type { Reply } from "../session/request.ts";
import { Session } from "../session/session.ts";
import type { Transport } from "../transport.ts";

export interface UsbDeviceOptions extends SessionOptions {
  /**
   * Whether to look for the highest rate that the line carries, and to step down where it damages lines; default
   * true. Without rates in HELLO, or a transport that can change its own, there is nothing to climb.
   */
  readonly climb?: boolean;
  /** Throws for a device that must not be used; called before anything but HELLO is asked of it. */
  readonly admit?: (id: string) => void;
}

const SHORT_DEADLINE_MS = 5000;
/** Calls that may wait for the one that the device is busy with. */
const CALLS_WAITING = 16;
const LOG_LEVELS = 5;
/** A device that has been silent for longer is not asked to change its rate before the port is closed. */
const SILENT_MS = 5000;
const LEAVE_MS = 1000;
/** Repeats within a lost call: fewer may be an accident, or a device that was busy. */
const LOST_REPEATS = 3;

export class UsbDevice implements LiveDevice {
  readonly kind = "usb";
  readonly info: DeviceInfo;
  readonly #session: Session;
  readonly #options: UsbDeviceOptions;
  readonly #images = new TurnQueue(CALLS_WAITING);
  /** A repeat of an earlier level must not undo a later one. */
  readonly #logs = new TurnQueue(CALLS_WAITING);
  readonly #ladder: RateLadder | undefined;
  #searching = false;
  #closing: Promise<void> | undefined;

  private constructor(session: Session, transport: Transport, options: UsbDeviceOptions) {
    const { hello } = session;
    this.#session = session;
    this.#options = options;
    const canClimb = hello.rates.length > 0 && transport.setRate !== undefined && options.climb !== false;
    this.#ladder = canClimb ? new RateLadder(hello.rates, session.baud) : undefined;
    this.info = {
      id: hello.device,
      firmware: hello.firmware,
      simulated: hello.simulated,
      capabilities: hello.capabilities,
      bootId: hello.boot,
      maxBlockBytes: hello.maxBlockBytes,
    };
  }

  /**
   * Shakes hands over a fresh transport, which is closed again if that fails, and climbs to the line's best rate.
   *
   * @throws DeviceError DEVICE_NO_HELLO, DEVICE_BOOTLOADER, DEVICE_BROWNOUT, DEVICE_CRASHED, DEVICE_PROTOCOL,
   *   DEVICE_CLOSED, DEVICE_DEADLINE if the device was lost on the way up; what `admit` throws
   */
  static async open(transport: Transport, options: UsbDeviceOptions): Promise<UsbDevice> {
    const device = new UsbDevice(await Session.open(transport, options), transport, options);
    try {
      options.admit?.(device.info.id);
      await device.#climb();
      return device;
    } catch (error) {
      await device.close();
      throw error;
    }
  }

  /** All that HELLO said, limits included. */
  get hello(): Hello {
    return this.#session.hello;
  }

  get counters(): SessionCounters {
    return this.#session.counters;
  }

  /** What the connection holds at this moment. */
  get held(): SessionHeld {
    return this.#session.held;
  }

  /** The line's present rate, in baud. */
  get baud(): number {
    return this.#session.baud;
  }

  get heardAtMs(): number {
    return this.#session.heardAtMs;
  }

  /** Default deadline 120 s. Blocks travel by BATCH where that is faster, as wide as the device's credits allow. */
  async hash(blocks: readonly Uint8Array[], options: RequestOptions = {}): Promise<Uint8Array[]> {
    this.#need("hash");
    return this.#judged(hashBlocks(this.#session, blocks, options, () => this.#options.clock.nowMs()));
  }

  /** Default deadline 30 s and twice what the pixels take on the line, from when the image's turn comes. */
  async image(image: DeviceImage, question: ImageQuestion, options: ImageOptions = {}): Promise<ImageAnswer> {
    this.#need("image");
    const { clock, random } = this.#options;
    const tools = { nowMs: () => clock.nowMs(), random };
    const turn = () => askImage(this.#session, image, question, options, tools);
    return this.#judged(this.#images.take(turn, options.signal));
  }

  async work(job: WorkJob, options: WorkOptions = {}): Promise<WorkOutcome> {
    this.#need("work");
    if (this.#searching) throw new DeviceError("DEVICE_BUSY", `${this.info.id} searches already`);
    this.#searching = true;
    try {
      return await searchWork(this.#session, job, options, this.#options);
    } finally {
      this.#searching = false;
    }
  }

  async attest(commitment: Uint8Array, challenge: Uint8Array, options: RequestOptions = {}): Promise<Attestation> {
    this.#need("attest");
    return attest(this.#session, commitment, challenge, { deadlineMs: SHORT_DEADLINE_MS, ...options });
  }

  /**
   * Key material that only this device can make again (HKDF-Expand under its key, SPEC §5.7): a secret.
   *
   * @param context 32 bytes that say what the key is for
   * @returns 32 bytes
   * @throws DeviceError, which never holds the key
   */
  async key(context: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    this.#need("key");
    return deriveKey(this.#session, context, { deadlineMs: SHORT_DEADLINE_MS, ...options });
  }

  async health(options: RequestOptions = {}): Promise<DeviceHealth> {
    this.#need("health");
    const reply = await this.#short("HEALTH", [], options);
    expectWords("HEALTH", reply, "any");
    return parseHealth(reply.args);
  }

  /** A refusal is a sign of life too: the smallest devices know only HELLO and HASH. */
  async ping(options: RequestOptions = {}): Promise<void> {
    try {
      expectWords("PING", await this.#judged(this.#short("PING", [], options)), 0);
    } catch (error) {
      if (!(error instanceof DeviceError && error.code === "DEVICE_REFUSED")) throw error;
    }
  }

  /**
   * Moves the line to one of `hello.rates`; requests wait meanwhile.
   *
   * @throws DeviceError DEVICE_UNSUPPORTED, DEVICE_LIMIT, DEVICE_BUSY; DEVICE_RATE if the line stays as it was
   */
  async setRate(baud: number): Promise<void> {
    this.#need("baud");
    await this.#session.setRate(baud);
    this.#ladder?.moved(this.#session.baud, this.#totals());
  }

  /** What the device logs until the next HELLO or restart: 0 nothing, 1 errors … 5 everything. @throws DeviceError */
  async log(level: number, options: RequestOptions = {}): Promise<void> {
    this.#need("log");
    if (!Number.isInteger(level) || level < 0 || level > LOG_LEVELS) throw new RangeError(`log level ${level}`);
    const turn = () => this.#short("LOG", [String(level)], options);
    expectWords("LOG", await this.#logs.take(turn, options.signal), 0);
  }

  /** Restarts the device, which ends this connection. @throws DeviceError if it did not */
  async reset(options: RequestOptions = {}): Promise<void> {
    this.#need("reset");
    let gone = false;
    this.onGone(({ code }) => {
      gone = code !== "DEVICE_CLOSED";
    });
    try {
      expectWords("RESET", await this.#short("RESET", [this.info.bootId], { ...options, urgent: true }), 0);
    } catch (error) {
      // Another boot id: the reply was lost, the restart was not.
      if (!gone) throw error;
    }
  }

  onGone(listener: (reason: DeviceError) => void): void {
    this.#session.onGone(listener);
  }

  /** Within a second the line is back at the rate at which the next host will look for the device, if it answers. */
  close(): Promise<void> {
    this.#closing ??= this.#leave().then(() => this.#session.close());
    return this.#closing;
  }

  async #leave(): Promise<void> {
    const { clock } = this.#options;
    if (this.baud === START_BAUD || clock.nowMs() - this.heardAtMs > SILENT_MS) return;
    await atMost(clock, LEAVE_MS, this.setRate(START_BAUD));
  }

  #short(verb: string, args: readonly string[], options: RequestOptions & { urgent?: boolean }): Promise<Reply> {
    return this.#session.request({ verb, args, deadlineMs: SHORT_DEADLINE_MS, ...options });
  }

  async #climb(): Promise<void> {
    for (const rate of this.#ladder?.climb() ?? []) if (await this.#tryRate(rate)) return;
  }

  async #tryRate(rate: number): Promise<boolean> {
    try {
      await this.setRate(rate);
      return true;
    } catch (error) {
      const stays = error instanceof DeviceError && (error.code === "DEVICE_RATE" || error.code === "DEVICE_REFUSED");
      if (stays) return false;
      throw error;
    }
  }

  /** After each call: a line that damages too much goes slower from then on. */
  async #judged<T>(call: Promise<T>): Promise<T> {
    const before = { atMs: this.#options.clock.nowMs(), retries: this.counters.retries };
    let lost = false;
    try {
      return await call;
    } catch (error) {
      // It answers, but not this: the rate may carry short lines, and no long ones.
      const answers = this.heardAtMs > before.atMs && this.counters.retries >= before.retries + LOST_REPEATS;
      lost = answers && error instanceof DeviceError && error.code === "DEVICE_DEADLINE";
      throw error;
    } finally {
      const lower = lost ? this.#ladder?.lower() : this.#ladder?.judge(this.#totals());
      // What fails here ends the session, whose listeners hear of it.
      if (lower !== undefined) this.#tryRate(lower).catch(() => {});
    }
  }

  #totals() {
    const { frames, discarded, naks } = this.#session.counters;
    const damaged = discarded.long + discarded.bytes + discarded.form + discarded.crc;
    return { lines: frames + damaged, damaged: damaged + naks };
  }

  #need(capability: Capability): void {
    if (this.info.capabilities.has(capability)) return;
    throw new DeviceError("DEVICE_UNSUPPORTED", `${this.info.id} has no ${capability}`);
  }
}
