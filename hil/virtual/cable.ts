/** One device, the cable to it under faults, and the port that it is plugged into: what `connectUsb` opens. */
import type { Clock } from "../../host/device/clock.ts";
import { DeviceError } from "../../host/device/errors.ts";
import { type Restart, WasmDevice } from "../../host/device/testing/wasm-device.ts";
import type { Transport } from "../../host/device/transport.ts";
import type { ConnectParts } from "../../host/device/usb/connect.ts";
import type { SerialLine } from "../../host/device/usb/serial-transport.ts";
import { FaultBox } from "../faults/faulty.ts";
import type { FaultPlan } from "../faults/plan.ts";
import { BootHistory } from "./boots.ts";
import type { CorePool } from "./cores.ts";
import { LeftOvers } from "./left-overs.ts";

export interface DeviceChoices {
  readonly seed: number;
  readonly uart: boolean;
  readonly banner: boolean;
  /** The host is told its port by a name that stays; otherwise it looks at all ports, whose names change. */
  readonly named: boolean;
}

/** A tenth of an LV06: a processor hashes for it, and pays by the hash. */
const HASHRATE_GHS = 43.36;
const NOTHING = new Uint8Array();
const STABLE_NAME = "/dev/serial/by-id/usb-lv06";

export class VirtualCable {
  readonly boots = new BootHistory();
  readonly box: FaultBox;
  readonly #pool: CorePool;
  readonly #clock: Clock;
  #device: WasmDevice;
  #port: string | undefined;
  #plugs = 0;
  #line: VirtualLine | undefined;
  #opens = 0;
  readonly #named: boolean;
  readonly #leftOvers = new LeftOvers();
  #hangs = false;

  constructor(pool: CorePool, clock: Clock, choices: DeviceChoices, plan: FaultPlan) {
    this.#pool = pool;
    this.#clock = clock;
    this.box = new FaultBox(plan, { clock, act: (what) => this.restart(what === "crash" ? "panic" : "power-on") });
    this.#named = choices.named;
    this.#device = this.#make(choices);
    this.plug();
  }

  /** The edges that `connectUsb` is given. */
  readonly parts: ConnectParts = {
    findPorts: async () => (this.#port === undefined ? [] : [{ path: this.#port }]),
    plugMarks: async (ports) =>
      new Map(ports.filter((port) => port === this.#port).map((port) => [port, String(this.#plugs)])),
    openPort: async ({ path, baud }) => this.#open(path, baud),
  };

  /** Connections that are open now: at most one, and none at the end. */
  get open(): number {
    return this.#line === undefined ? 0 : 1;
  }

  get opens(): number {
    return this.#opens;
  }

  /** What a device still knew of the start before. */
  get leaks(): readonly string[] {
    return this.#leftOvers.found;
  }

  /** What the host is told of the port. */
  get path(): string {
    return this.#named ? STABLE_NAME : "auto";
  }

  /** Under a name of its own each time, unless the host knows it by one that stays. */
  plug(): void {
    this.#plugs += 1;
    this.#port = this.#named ? STABLE_NAME : `/dev/ttyACM${this.#plugs - 1}`;
  }

  unplug(): void {
    this.#port = undefined;
    this.#device.unplug();
  }

  /** Pulls the cable and plugs another device in. */
  replace(choices: DeviceChoices): void {
    this.unplug();
    this.#device.stop();
    this.boots.ended(this.#clock.nowMs());
    this.#device = this.#make(choices);
    this.plug();
  }

  /**
   * It hears nothing any more, until it is restarted. Only where the host was told the port: of another one, which may
   * be anybody's, it rightly never pulses the reset line, and only a person helps.
   */
  hang(): void {
    this.#hangs = this.#named;
  }

  restart(how: Restart): void {
    this.boots.ended(this.#clock.nowMs());
    this.#hangs = false;
    this.#device.reboot(how);
    this.#leftOvers.look(this.#device);
  }

  /** Ends the device. */
  stop(): void {
    this.#device.stop();
  }

  #make({ seed, uart, banner }: DeviceChoices): WasmDevice {
    const device = new WasmDevice(this.#pool, { clock: this.#clock, seed, uart, banner, hashrateGhs: HASHRATE_GHS });
    device.toHost = (bytes) => {
      // It restarted by itself: what it remembers is asked before the host greets it, which would make it forget.
      if (this.boots.heard(bytes, this.#clock.nowMs())) this.#leftOvers.look(device);
      return bytes;
    };
    device.toDevice = (bytes) => {
      if (this.#hangs) return NOTHING;
      this.#leftOvers.heard(bytes);
      return bytes;
    };
    return device;
  }

  async #open(path: string, baud: number): Promise<SerialLine> {
    if (path !== this.#port) throw new DeviceError("DEVICE_ABSENT", `${path}: no such file`);
    if (this.#line !== undefined) throw new DeviceError("DEVICE_OPEN", `${path}: Cannot lock port`);
    this.#opens += 1;
    const transport = this.#device.connect();
    await transport.setRate?.(baud);
    const line = new VirtualLine(this.box.wrap(transport), path, {
      reset: () => this.restart("power-on"),
      ended: (unplugged) => {
        if (this.#line === line) this.#line = undefined;
        // Whoever pulls a cable plugs it in again, and the port has another name then.
        if (unplugged && this.#port === path) this.plug();
      },
    });
    this.#line = line;
    return line;
  }
}

interface LineEvents {
  readonly reset: () => void;
  readonly ended: (unplugged: boolean) => void;
}

class VirtualLine implements SerialLine {
  readonly staysUpOnClose = true;
  readonly name: string;
  readonly #inner: Transport;
  readonly #events: LineEvents;
  #onClose: (reason: Error) => void = () => {};
  #over: Error | undefined;

  constructor(inner: Transport, name: string, events: LineEvents) {
    this.#inner = inner;
    this.name = name;
    this.#events = events;
    inner.onClose((reason) => {
      this.#over = reason;
      events.ended(reason.message === "unplugged");
      this.#onClose(reason);
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#inner.write(bytes);
  }

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#inner.onChunk(listener);
  }

  onClose(listener: (reason: Error) => void): void {
    this.#onClose = listener;
    if (this.#over !== undefined) listener(this.#over);
  }

  async setRate(baud: number): Promise<void> {
    if (this.#over !== undefined) throw this.#over;
    await this.#inner.setRate?.(baud);
  }

  async resetBoard(): Promise<void> {
    this.#events.reset();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
