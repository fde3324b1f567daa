/** Received bytes → raster-v1, decoded in a supervised child process. */
import { Child, ChildError, ChildRefusal } from "../base/child.ts";
import type { RasterRequest } from "./child.ts";
import { RASTER_ERRORS, RasterError, type RasterErrorCode } from "./error.ts";
import type { Rasterised } from "./rasterise.ts";
import { sniffFormat } from "./sniff.ts";

export interface RasteriserOptions {
  /** From sending an image to its raster, in ms. */
  readonly deadlineMs: number;
  /** Private memory of the child, in MiB. */
  readonly memoryMiB: number;
  /** Images that may wait besides the one being decoded. */
  readonly queueMax: number;
  /** Width × height, before decoding; 40,000,000 by default. */
  readonly maxPixels?: number;
  /** Either side; 16,000 px by default. */
  readonly maxSidePx?: number;
  /** File size; 64 MiB by default. */
  readonly maxBytes?: number;
}

const CHILD_TO_RASTER = {
  CHILD_BUSY: "RASTER_BUSY",
  CHILD_CRASHED: "RASTER_CRASH",
  CHILD_DEADLINE: "RASTER_DEADLINE",
  CHILD_RESTING: "RASTER_RESTING",
  CHILD_START: "RASTER_START",
  CHILD_STOPPED: "RASTER_STOPPED",
} as const satisfies Record<ChildError["code"], RasterErrorCode>;

export class Rasteriser {
  readonly #child: Child<RasterRequest, Rasterised>;
  readonly #bounds: RasterRequest["bounds"];
  readonly #maxBytes: number;

  constructor(options: RasteriserOptions) {
    const { deadlineMs, memoryMiB, queueMax, maxPixels = 40_000_000, maxSidePx = 16_000 } = options;
    this.#bounds = { maxPixels, maxSidePx };
    this.#maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
    const module = new URL("./child.ts", import.meta.url);
    // One image at a time: the one in the child when it dies is the one to blame, and inference keeps its core.
    this.#child = new Child({ name: "the image decoder", module, memoryMiB, deadlineMs, window: 1, queueMax });
  }

  /** Process id of the child while it runs, and how often one was started. */
  get state(): Child<RasterRequest, Rasterised>["state"] {
    return this.#child.state;
  }

  /** @throws RasterError with any code of RASTER_ERRORS */
  async rasterise(bytes: Uint8Array): Promise<Rasterised> {
    sniffFormat(bytes);
    if (bytes.length > this.#maxBytes) {
      throw new RasterError("RASTER_TOO_LARGE", `the file has ${bytes.length} bytes, ${this.#maxBytes} are allowed`);
    }
    const reply = await this.#decode(bytes).catch((error: unknown) => {
      // The decoder may have been ended from outside, for want of memory on a small machine: once more, alone.
      if (error instanceof RasterError && error.code === "RASTER_CRASH") return this.#decode(bytes);
      throw error;
    });
    // A copy of its own, so that keeping a raster does not keep the message it came in.
    return { ...reply, raster: { samples: new Uint8Array(reply.raster.samples) } };
  }

  async #decode(bytes: Uint8Array): Promise<Rasterised> {
    try {
      return await this.#child.request({ bytes, bounds: this.#bounds });
    } catch (error) {
      throw rasterError(error);
    }
  }

  /** Starts the decoder now, so that the first image does not wait for it. */
  warm(): void {
    this.#child.warm();
  }

  /** Ends the child; images that wait are refused with RASTER_STOPPED. Idempotent. */
  stop(): Promise<void> {
    return this.#child.stop();
  }
}

function rasterError(error: unknown): unknown {
  if (error instanceof ChildError) return new RasterError(CHILD_TO_RASTER[error.code], error.detail, { cause: error });
  if (!(error instanceof ChildRefusal)) return error;
  if (isRasterCode(error.code)) return new RasterError(error.code, error.message);
  return new RasterError("RASTER_CRASH", `the image decoder failed: ${error.message} (${error.code})`);
}

function isRasterCode(code: string): code is RasterErrorCode {
  return Object.hasOwn(RASTER_ERRORS, code);
}
