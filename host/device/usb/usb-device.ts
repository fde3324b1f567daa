/** An LV06 with direct-hash firmware, or its model, as a Device. */

import type { DeviceHealth, DeviceInfo, LiveDevice, RequestOptions } from "../device.ts";
import { SHA256_BYTES } from "../digest.ts";
import { DeviceError } from "../errors.ts";
import { parseHealth } from "../session/hello.ts";
import { Session, type SessionCounters, type SessionOptions } from "../session/session.ts";
import type { Transport } from "../transport.ts";

const HASH_DEADLINE_MS = 120_000;
const SHORT_DEADLINE_MS = 5000;
const DIGEST_HEX = new RegExp(`^[0-9a-f]{${2 * SHA256_BYTES}}$`);

export class UsbDevice implements LiveDevice {
  readonly kind = "usb";
  readonly info: DeviceInfo;
  readonly #session: Session;
  readonly #clock: SessionOptions["clock"];

  private constructor(session: Session, clock: SessionOptions["clock"]) {
    const { hello } = session;
    this.#session = session;
    this.#clock = clock;
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
   * Shakes hands over a fresh transport, which is closed again if that fails.
   *
   * @throws DeviceError DEVICE_NO_HELLO, DEVICE_PROTOCOL, DEVICE_CLOSED
   */
  static async open(transport: Transport, options: SessionOptions): Promise<UsbDevice> {
    return new UsbDevice(await Session.open(transport, options), options.clock);
  }

  get counters(): SessionCounters {
    return this.#session.counters;
  }

  /** Default deadline 120 s. Blocks travel as wide as the device's credits allow. */
  async hash(blocks: readonly Uint8Array[], options: RequestOptions = {}): Promise<Uint8Array[]> {
    this.#need("hash");
    const unfit = blocks.find((block) => block.length === 0 || block.length > this.info.maxBlockBytes);
    if (unfit !== undefined) {
      throw new DeviceError(
        "DEVICE_LIMIT",
        `a block of ${unfit.length} bytes; the device takes 1 to ${this.info.maxBlockBytes}`,
      );
    }
    return abortable(options.signal, (stopped) => this.#hashAll(blocks, options.deadlineMs, stopped));
  }

  async health(options: RequestOptions = {}): Promise<DeviceHealth> {
    this.#need("health");
    return parseHealth(await this.#short("HEALTH", options));
  }

  get heardAtMs(): number {
    return this.#session.heardAtMs;
  }

  /** A refusal is a sign of life too: the smallest devices know only HELLO and HASH. */
  async ping(options: RequestOptions = {}): Promise<void> {
    try {
      await this.#short("PING", options);
    } catch (error) {
      if (!(error instanceof DeviceError && error.code === "DEVICE_REFUSED")) throw error;
    }
  }

  onGone(listener: (reason: Error) => void): void {
    this.#session.onGone(listener);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #short(verb: string, { signal, deadlineMs = SHORT_DEADLINE_MS }: RequestOptions): Promise<readonly string[]> {
    return abortable(signal, () => this.#session.request(verb, [], deadlineMs));
  }

  /** As many runners as the device has credits, each with one block under way. */
  async #hashAll(
    blocks: readonly Uint8Array[],
    deadlineMs = HASH_DEADLINE_MS,
    stopped: () => boolean,
  ): Promise<Uint8Array[]> {
    const endMs = this.#clock.nowMs() + deadlineMs;
    const digests: Uint8Array[] = new Array(blocks.length);
    let next = 0;
    let failed = false;
    const run = async () => {
      while (!failed && !stopped()) {
        const index = next++;
        const block = blocks[index];
        if (block === undefined) return;
        digests[index] = await this.#hashOne(block, endMs);
      }
    };
    const runners = Math.min(this.#session.hello.credits.lines, blocks.length);
    const guarded = () =>
      run().catch((error: unknown) => {
        failed = true;
        throw error;
      });
    await Promise.all(Array.from({ length: runners }, guarded));
    return digests;
  }

  async #hashOne(block: Uint8Array, endMs: number): Promise<Uint8Array> {
    const hex = Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString("hex");
    const [digest = "", ...rest] = await this.#session.request("HASH", [hex], endMs - this.#clock.nowMs());
    if (rest.length > 0 || !DIGEST_HEX.test(digest)) {
      throw new DeviceError("DEVICE_REPLY", `HASH was answered with ${[digest, ...rest].join(" ").slice(0, 100)}`);
    }
    return Buffer.from(digest, "hex");
  }

  #need(capability: "hash" | "health"): void {
    if (this.info.capabilities.has(capability)) return;
    throw new DeviceError("DEVICE_UNSUPPORTED", `${this.info.id} has no ${capability}`);
  }
}

/** Rejects with DEVICE_ABORTED as soon as the signal fires; what is under way settles unseen. */
function abortable<T>(signal: AbortSignal | undefined, start: (stopped: () => boolean) => Promise<T>): Promise<T> {
  if (signal === undefined) return start(() => false);
  return new Promise((resolve, reject) => {
    const abort = () => reject(new DeviceError("DEVICE_ABORTED", "the caller gave up"));
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    start(() => signal.aborted)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}
