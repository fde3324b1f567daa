/**
 * What the appliance knows about anything that can hash, work or report its health.
 *
 * Callers ask for capabilities, never for a type: a device that lacks one throws DEVICE_UNSUPPORTED.
 */

/**
 * `hash` SHA-256 of blocks · `image` a whole raster's roots · `work` a proof of work over 32 bytes ·
 * `attest` a keyed signature of device identity · `health` temperatures, power, rates.
 */
export type Capability = "hash" | "image" | "work" | "attest" | "health";

export interface DeviceInfo {
  /** The device's own name, stable over reboots: the chip's address for hardware, `lv06-model-…` for a model. */
  readonly id: string;
  /** Firmware name and version, as the device reports it. */
  readonly firmware: string;
  /** True for a model: what it does is never passed off as hardware. */
  readonly simulated: boolean;
  readonly capabilities: ReadonlySet<Capability>;
  /** Random per boot of the device, 8 hex digits; empty where there is no such thing. */
  readonly bootId: string;
  /** The largest block HASH accepts, in bytes. */
  readonly maxBlockBytes: number;
}

/** One reading of the sensors. What the device does not know is absent, never 0. */
export interface DeviceHealth {
  readonly tempC?: number;
  readonly vrTempC?: number;
  readonly powerW?: number;
  readonly coreMv?: number;
  readonly inputMv?: number;
  readonly currentMa?: number;
  readonly frequencyMhz?: number;
  readonly hashrateGhs?: number;
  readonly fanRpm?: number;
  readonly uptimeS?: number;
  readonly freeHeapB?: number;
  readonly resetReason?: string;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** For the whole call, in ms from now. */
  readonly deadlineMs?: number;
}

export interface Device {
  readonly kind: "usb" | "stratum" | "software";
  readonly info: DeviceInfo;
  /**
   * SHA-256 of every block, in the order given.
   *
   * What it proves is that the device computes SHA-256 right and that the link carries it unharmed: nothing
   * about the ASIC, which cannot hash a block.
   *
   * @param blocks each 1…info.maxBlockBytes bytes
   * @returns 32 bytes a block
   * @throws DeviceError
   */
  hash(blocks: readonly Uint8Array[], options?: RequestOptions): Promise<Uint8Array[]>;
  /** @throws DeviceError */
  health(options?: RequestOptions): Promise<DeviceHealth>;
  /** Ends the connection; what is in flight fails with DEVICE_CLOSED. Idempotent, never throws. */
  close(): Promise<void>;
}

/** A device whose connection can be lost: what `DeviceLink` keeps alive. */
export interface LiveDevice extends Device {
  /** When the device last said something that made sense, by the clock that it was opened with. */
  readonly heardAtMs: number;
  /** One short exchange that shows the device is still there. @throws DeviceError */
  ping(options?: RequestOptions): Promise<void>;
  /** Calls `listener` once, with the reason, when the connection is over; at once if it already is. */
  onGone(listener: (reason: Error) => void): void;
}
