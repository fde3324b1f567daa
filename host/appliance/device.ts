/** The configured device, kept connected; software when there is none (DESIGN §5.4), and back by itself. */
import type { Config } from "../config/schema.ts";
import { systemClock } from "../device/clock.ts";
import type { Device, DeviceHealth } from "../device/device.ts";
import { DeviceLink, type LinkState } from "../device/device-link.ts";
import { connectUsb } from "../device/usb/connect.ts";
import type { PresentDevice } from "../pipeline/ports.ts";

export class ConfiguredDevice {
  readonly #link: DeviceLink | undefined;

  /** @param onChange every state of the connection; never called when no device is configured */
  constructor({ device: { usb } }: Config, onChange: (state: LinkState) => void) {
    const { path, baud } = usb;
    if (path === null) return;
    const clock = systemClock;
    const random = Math.random;
    const connect = (signal: AbortSignal) => connectUsb({ path, baud, clock, random, signal });
    this.#link = new DeviceLink({ connect, clock, random, onChange });
  }

  get state(): LinkState | { readonly kind: "none" } {
    return this.#link?.state ?? { kind: "none" };
  }

  current(): Device | undefined {
    return this.#link?.current();
  }

  hashing(): Device | undefined {
    const device = this.current();
    return device?.info.capabilities.has("hash") ? device : undefined;
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
