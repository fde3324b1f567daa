/** The configured device, kept connected; software when there is none (DESIGN §5.4), and back by itself. */
import { errorCode } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { type Clock, systemClock } from "../device/clock.ts";
import type { Device, DeviceHealth, DeviceInfo } from "../device/device.ts";
import { DeviceLink, type LinkState, type SettledState } from "../device/device-link.ts";
import { DeviceError } from "../device/errors.ts";
import type { Recovery } from "../device/recovery.ts";
import { type ConnectParts, connectUsb, plugPorts } from "../device/usb/connect.ts";
import { ConnectMemory } from "../device/usb/connect-memory.ts";
import type { AbsenceCode, Judgement } from "../pipeline/checker.ts";
import type { PresentDevice } from "../pipeline/ports.ts";

/** Failures that speak against the device; others, such as a limit that was met, do not. */
const FAULTS = new Set(["DEVICE_DEADLINE", "DEVICE_REFUSED", "DEVICE_REPLY"]);
/** Wrong answers that the device room itself finds. */
const LIES = new Set(["DEVICE_WORK_FALSE"]);

/** Ports and time, to be replaced in tests. */
export interface DeviceEdges {
  readonly clock: Clock;
  readonly parts: Partial<ConnectParts>;
}

const REAL: DeviceEdges = { clock: systemClock, parts: {} };

const WELL: Recovery = { rung: "none", reason: null, failures: 0, resets: 0 };

/** Who hears of the device. */
export interface DeviceListeners {
  /** Every state of the connection; never called when no device is configured. */
  readonly onChange: (state: LinkState) => void;
  /** The device's own log lines: printable, cut, and without anything secret. */
  readonly onLog?: (text: string) => void;
}

export class ConfiguredDevice {
  readonly #link: DeviceLink | undefined;
  #last: DeviceInfo | undefined;

  constructor(
    { device: { usb } }: { readonly device: Pick<Config["device"], "usb"> },
    { onChange, onLog }: DeviceListeners,
    { clock, parts }: DeviceEdges = REAL,
  ) {
    const { path, baud, id } = usb;
    if (path === null && id === null) return;
    const where = { path: path ?? "auto", baud, ...(id === null ? {} : { id }) };
    const shared = { clock, random: Math.random };
    const memory = new ConnectMemory();
    const hear = onLog === undefined ? {} : { onLog };
    this.#link = new DeviceLink({
      ...shared,
      connect: (signal, attempt) => connectUsb({ ...where, ...shared, ...hear, ...attempt, parts, memory, signal }),
      plugs: plugPorts({ ...where, parts }, memory),
      onChange: (state) => {
        if (state.kind === "ready") this.#last = state.device.info;
        onChange(state);
      },
    });
  }

  get configured(): boolean {
    return this.#link !== undefined;
  }

  get state(): LinkState | { readonly kind: "none" } {
    return this.#link?.state ?? { kind: "none" };
  }

  /** The state before the present attempt to connect, if there is one. */
  get settled(): SettledState | { readonly kind: "none" } {
    return this.#link?.settled ?? { kind: "none" };
  }

  /** The device that is there, or the one that was there last: what fails or is distrusted keeps its name. */
  get known(): DeviceInfo | undefined {
    return this.#last;
  }

  get recovery(): Recovery {
    return this.#link?.recovery ?? WELL;
  }

  current(): Device | undefined {
    return this.#link?.current();
  }

  /** One that can hash, or why there is none. */
  hashing(): Device | AbsenceCode {
    const device = this.current();
    if (device?.info.capabilities.has("hash")) return device;
    return this.settled.kind === "distrusted" ? "DEVICE_DISTRUSTED" : "DEVICE_ABSENT";
  }

  /** What becomes of a device after it was asked something: one that lied is used no more, one that fails is reset. */
  judged(device: Device, judgement: Judgement): void {
    switch (judgement.kind) {
      case "right":
        this.#link?.praise();
        break;
      case "lied":
        this.#link?.distrust(device.info.id, new DeviceError("DEVICE_DISTRUSTED", "a digest differs from the host's"));
        break;
      case "failed":
        this.#failed(device, judgement.error);
        break;
    }
  }

  #failed(device: Device, error: unknown): void {
    const code = errorCode(error);
    if (!(error instanceof Error) || device !== this.current()) return;
    if (LIES.has(code)) this.#link?.distrust(device.info.id, error);
    else if (FAULTS.has(code)) this.#link?.complain(error);
  }

  present(): PresentDevice | undefined {
    const device = this.current();
    if (device === undefined || device.kind === "software") return undefined;
    const { simulated, capabilities } = device.info;
    return { kind: device.kind, simulated, canHash: capabilities.has("hash") };
  }

  /** One reading of its sensors; undefined when there is no device, it has none, or it does not answer. */
  async readings(): Promise<DeviceHealth | undefined> {
    const device = this.current();
    if (!device?.info.capabilities.has("health")) return undefined;
    return device.health({ deadlineMs: 2_000 }).catch(() => undefined);
  }

  start(): void {
    this.#link?.start();
  }

  async stop(): Promise<void> {
    await this.#link?.stop();
  }
}
