/**
 * What the appliance knows about anything that can hash, work or report its health.
 *
 * Callers ask for capabilities, never for a type: a device that lacks one throws DEVICE_UNSUPPORTED.
 */

/**
 * `hash` SHA-256 of blocks · `batch` of many blocks in one line · `image` a whole raster's roots · `work` a search for
 * a work proof · `attest` a keyed signature of device identity · `key` device-bound key material · `health`
 * temperatures, power, rates · `baud`, `log`, `reset` of the line and the board (SPEC §5).
 */
export const CAPABILITIES = [
  "hash",
  "batch",
  "image",
  "work",
  "attest",
  "key",
  "health",
  "baud",
  "log",
  "reset",
] as const;
export type Capability = (typeof CAPABILITIES)[number];

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
  /** Nonces that did not verify and damaged answers of the ASIC, since the device started. */
  readonly errors?: number;
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

/** Grey pixels of 8 bits, row by row. */
export interface DeviceImage {
  readonly width: number;
  readonly height: number;
  readonly samples: Uint8Array;
}

export interface ImageQuestion {
  /** Block sizes whose roots are wanted; at most 4, each dividing width and height. */
  readonly scales: readonly number[];
  /** Those of them whose block digests are wanted too; default none. */
  readonly digestsOf?: readonly number[];
  /** Sends the pixels as they are, also where the device inflates; default false. */
  readonly raw?: boolean;
}

export interface ImageAnswer {
  /** Scale → the 32-byte RFC 9162 root over its block digests, blocks row by row. */
  readonly roots: ReadonlyMap<number, Uint8Array>;
  /** Scale → its block digests end to end, for the scales asked for. */
  readonly digests: ReadonlyMap<number, Uint8Array>;
}

export interface ImageOptions extends RequestOptions {
  /** Called with the rows that the device has so far. May not throw. */
  readonly onProgress?: (progress: { readonly rows: number; readonly height: number }) => void;
}

/** A header to search a nonce for (SPEC §5.6). */
export interface WorkJob {
  /** 80 bytes as they are hashed; the last 4, the nonce, are ignored. */
  readonly header: Uint8Array;
  /** 32 bytes, most significant first: the hash as a number is to be at most this. */
  readonly target: Uint8Array;
  /** Bits of the version that the device may change. */
  readonly versionMask: number;
  /** How long the device searches, in ms, 1…3,600,000. */
  readonly deadlineMs: number;
}

export interface WorkProgress {
  readonly elapsedMs: number;
  /** Hashes tried, as the device estimates. */
  readonly hashes: bigint;
  /** Nonces that the ASIC gave and that did not verify. */
  readonly errors: number;
}

/** How a search ended. A found nonce has been verified by the host. */
export type WorkOutcome = WorkProgress &
  (
    | {
        readonly kind: "found";
        readonly nonce: number;
        readonly version: number;
        /** Under the device's key, where one is provisioned (SPEC §5.7). */
        readonly mac?: Uint8Array;
      }
    | { readonly kind: "expired" | "exhausted" | "stopped" | "failed" }
  );

export interface WorkOptions {
  /** Stops the search on the device; the outcome is then `stopped`, or what it had just come to. */
  readonly signal?: AbortSignal;
  /** May not throw. */
  readonly onProgress?: (progress: WorkProgress) => void;
}

export interface Attestation {
  /** 32 bytes: HMAC-SHA-256 under the device's key. */
  readonly mac: Uint8Array;
  /** The boot id that went into it, 8 hex digits. */
  readonly bootId: string;
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
  /**
   * Roots, and on request digests, of a whole image's blocks, computed on the device. What it proves is what
   * `hash` proves. The caller compares them with its own (`verifyImage`). One at a time; others wait in order.
   *
   * @throws DeviceError; RangeError for scales that do not divide the image, or samples that do not fill it
   */
  image(image: DeviceImage, question: ImageQuestion, options?: ImageOptions): Promise<ImageAnswer>;
  /**
   * Searches a work proof; one search at a time, another is DEVICE_BUSY.
   *
   * @throws DeviceError DEVICE_WORK_FALSE if what the device found does not meet the target
   */
  work(job: WorkJob, options?: WorkOptions): Promise<WorkOutcome>;
  /**
   * A MAC over both under the device's key: a holder of the key saw them during this boot.
   *
   * @param commitment 32 bytes
   * @param challenge 32 bytes, drawn at random by whoever verifies
   * @throws DeviceError
   */
  attest(commitment: Uint8Array, challenge: Uint8Array, options?: RequestOptions): Promise<Attestation>;
  /** @throws DeviceError */
  health(options?: RequestOptions): Promise<DeviceHealth>;
  /** Ends the connection; what is in flight fails with DEVICE_CLOSED. Idempotent, never throws. */
  close(): Promise<void>;
}

/** A device whose connection can be lost: what `DeviceLink` keeps alive. */
export interface LiveDevice extends Device {
  /** When the device last answered a request, by the clock that it was opened with. */
  readonly heardAtMs: number;
  /** One short exchange that shows the device is still there. @throws DeviceError */
  ping(options?: RequestOptions): Promise<void>;
  /** Restarts the device, where it has `reset`; the connection then ends. @throws DeviceError */
  reset?(options?: RequestOptions): Promise<void>;
  /**
   * Calls `listener` once, with the reason, when the connection is over; at once if it already is. Its line is free for
   * another connection when `close` has ended.
   */
  onGone(listener: (reason: Error) => void): void;
}
