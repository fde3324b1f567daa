/**
 * The real C core and the model's BM1366 in this process, under a given clock: what the model program is behind a
 * pseudo-terminal, without the terminal, the process and the waiting. Simulated, and deterministic: one seed, one
 * order of calls, one result, boot ids included.
 */
import type { Clock } from "../clock.ts";
import type { Transport } from "../transport.ts";
import { Seeded } from "./seeded.ts";
import type { WasmCore, WasmModule } from "./wasm-device-module.ts";

export interface WasmDeviceOptions {
  readonly clock: Clock;
  /** 0…2^32 − 1: device id, key, drift, boot ids, where searches begin; default 1. */
  readonly seed?: number;
  /** A UART at 115,200 baud that takes BAUD; default false: native USB. */
  readonly uart?: boolean;
  /** Default true. */
  readonly key?: boolean;
  /** Boot text before every BOOT notice; default false: after brown-outs and panics only. */
  readonly banner?: boolean;
  /** Default 433.6. */
  readonly hashrateGhs?: number;
  /** A share of difficulty d takes the time of one of d × this; default: 2^-20 takes a second. 0: about 4 MH/s. */
  readonly workScale?: number;
  /** Counters that each of the 894 small cores tries a version, 1…2^22; fewer, to see a search exhausted. */
  readonly stepsPerCore?: number;
}

const RESTARTS = ["power-on", "brownout", "panic", "software"] as const;
export type Restart = (typeof RESTARTS)[number];

/** What becomes of bytes on their way; an empty result loses them. */
export type Passage = (bytes: Uint8Array) => Uint8Array;

const FLAG_UART = 1;
const FLAG_NO_KEY = 2;
const FLAG_BANNER = 4;
const ALL_STEPS = 2 ** 22;
const HASHRATE_GHS = 433.6;
const WORK_SCALE = 105_859_375;
const US_PER_MS = 1000;
const START_RATE = 115_200;
/** A search that never waits lets this much of the clock pass between its turns. */
const LEAST_WAIT_MS = 1;

const unharmed: Passage = (bytes) => bytes;

export class WasmDevice {
  /** What the line does to bytes: set them to damage, drop, delay to a later chunk, or listen. */
  toDevice: Passage = unharmed;
  toHost: Passage = unharmed;
  readonly #core: WasmCore;
  readonly #clock: Clock;
  readonly #uart: boolean;
  #connection: Connection | undefined;
  #connections = 0;
  #hostRate = START_RATE;
  #cancelTimer = () => {};

  constructor(module: Pick<WasmModule, "instantiate">, options: WasmDeviceOptions) {
    const { clock, seed = 1, uart = false } = options;
    const random = new Seeded(seed);
    this.#clock = clock;
    this.#uart = uart;
    this.#core = module.instantiate({
      nowUs: () => Math.floor(clock.nowMs() * US_PER_MS),
      random: () => random.below(2 ** 32),
    });
    const { key = true, banner = false, hashrateGhs = HASHRATE_GHS, workScale = WORK_SCALE } = options;
    const flags = (uart ? FLAG_UART : 0) | (key ? 0 : FLAG_NO_KEY) | (banner ? FLAG_BANNER : 0);
    this.#core.init(seed, flags, hashrateGhs, workScale, options.stepsPerCore ?? ALL_STEPS);
    this.#run();
  }

  /** The device's rate, in baud; 0 on native USB. */
  get baud(): number {
    return this.#core.rate();
  }

  /** A new connection, at 115,200 baud on a UART; the one before ends. What the device said before is lost. */
  connect(): Transport {
    this.unplug();
    this.#setHostRate(START_RATE);
    const line: Line = {
      name: `wasm-${++this.#connections}`,
      send: (bytes) => this.#receive(this.toDevice(bytes)),
      forget: (connection) => {
        if (this.#connection === connection) this.#connection = undefined;
      },
    };
    this.#connection = this.#uart ? new RatedConnection(line, (baud) => this.#setHostRate(baud)) : new Connection(line);
    return this.#connection;
  }

  /** Pulls the plug of the data line; the device goes on. */
  unplug(): void {
    this.#connection?.end(new Error("unplugged"));
  }

  /** Everything the device holds is lost; it starts again with another boot id. */
  reboot(reason: Restart): void {
    this.#core.reboot(RESTARTS.indexOf(reason));
    this.#run();
  }

  /** What the device answers to this line at once, past every connection and whatever rate it is at. */
  ask(line: Uint8Array): Uint8Array {
    const core = this.#core;
    core.setHostRate(core.rate());
    new Uint8Array(core.memory.buffer, core.input(), line.length).set(line);
    core.feed(line.length);
    const length = core.take();
    const said = new Uint8Array(core.memory.buffer, core.output(), length).slice();
    core.setHostRate(this.#hostRate);
    return said;
  }

  /** Another speed, from the next search on. */
  setWork(hashrateGhs: number, workScale: number): void {
    this.#core.setWork(hashrateGhs, workScale);
  }

  /** Ends the connection and the device's timer. */
  stop(): void {
    this.unplug();
    this.#cancelTimer();
  }

  #setHostRate(baud: number): void {
    this.#hostRate = baud;
    this.#core.setHostRate(baud);
  }

  #receive(bytes: Uint8Array): void {
    const core = this.#core;
    const most = core.inputSize();
    for (let at = 0; at < bytes.length; at += most) {
      const part = bytes.subarray(at, at + most);
      new Uint8Array(core.memory.buffer, core.input(), part.length).set(part);
      core.feed(part.length);
      this.#deliver();
    }
    this.#run();
  }

  /** Lets the device do what is due, and calls again when it wants to be. */
  #run(): void {
    this.#cancelTimer();
    const waitUs = this.#core.poll();
    this.#deliver();
    if (waitUs < 0) return;
    this.#cancelTimer = this.#clock.after(Math.max(LEAST_WAIT_MS, waitUs / US_PER_MS), () => this.#run());
  }

  #deliver(): void {
    const length = this.#core.take();
    if (length === 0) return;
    const said = new Uint8Array(this.#core.memory.buffer, this.#core.output(), length).slice();
    const bytes = this.toHost(said);
    if (bytes.length > 0) this.#connection?.hear(bytes);
  }
}

interface Line {
  readonly name: string;
  send(bytes: Uint8Array): void;
  forget(connection: Connection): void;
}

class Connection implements Transport {
  readonly #line: Line;
  #closed: Error | undefined;
  #onChunk: (chunk: Uint8Array) => void = () => {};
  #onClose: (reason: Error) => void = () => {};

  constructor(line: Line) {
    this.#line = line;
  }

  get name(): string {
    return this.#line.name;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed;
    this.#line.send(bytes);
  }

  /** Not within the call that caused it: as from a port. */
  hear(bytes: Uint8Array): void {
    queueMicrotask(() => {
      if (this.#closed === undefined) this.#onChunk(bytes);
    });
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
  }

  end(reason: Error): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#line.forget(this);
    this.#onClose(reason);
  }

  async close(): Promise<void> {
    this.end(new Error("closed"));
  }
}

class RatedConnection extends Connection {
  readonly #setRate: (baud: number) => void;

  constructor(line: Line, setRate: (baud: number) => void) {
    super(line);
    this.#setRate = setRate;
  }

  async setRate(baud: number): Promise<void> {
    this.#setRate(baud);
  }
}
