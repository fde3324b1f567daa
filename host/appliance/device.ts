/** The configured device, kept connected; software when there is none (DESIGN §5.4), and back by itself. */
import { errorCode } from "../base/error.ts";
import type { Config } from "../config/schema.ts";
import { type Clock, systemClock } from "../device/clock.ts";
import type { Device, DeviceHealth } from "../device/device.ts";
import { DeviceLink, type LinkState } from "../device/device-link.ts";
import { DeviceError } from "../device/errors.ts";
import type { Recovery } from "../device/recovery.ts";
import { type ConnectParts, connectUsb } from "../device/usb/connect.ts";
import { ConnectMemory } from "../device/usb/connect-memory.ts";
import { plugState } from "../device/usb/find.ts";
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
  plugState(paths: readonly string[]): Promise<string>;
}

const REAL: DeviceEdges = { clock: systemClock, parts: {}, plugState };

const WELL: Recovery = { rung: "none", reason: null, failures: 0, resets: 0 };

export class ConfiguredDevice {
  readonly #link: DeviceLink | undefined;

  /** @param onChange every state of the connection; never called when no device is configured */
  constructor(
    { device: { usb } }: Pick<Config, "device">,
    onChange: (state: LinkState) => void,
    { clock, parts, plugState }: DeviceEdges = REAL,
  ) {
    const { path, baud, id } = usb;
    if (path === null && id === null) return;
    const where = { path: path ?? "auto", baud, ...(id === null ? {} : { id }) };
    const shared = { clock, random: Math.random };
    const memory = new ConnectMemory();
    this.#link = new DeviceLink({
      ...shared,
      connect: (signal, { reset, admit }) => connectUsb({ ...where, ...shared, parts, memory, signal, reset, admit }),
      plugState: () => plugState(where.path === "auto" ? [] : [where.path]),
      onChange,
    });
  }

  get state(): LinkState | { readonly kind: "none" } {
    return this.#link?.state ?? { kind: "none" };
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
    return this.state.kind === "distrusted" ? "DEVICE_DISTRUSTED" : "DEVICE_ABSENT";
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
