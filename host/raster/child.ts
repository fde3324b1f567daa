/** The decoder's process: untrusted bytes and native decoders stay in here. */
import { serve } from "../base/child-serve.ts";
import { configureSharp } from "./decode.ts";
import type { PixelBounds } from "./header.ts";
import { type Rasterised, rasterise } from "./rasterise.ts";

export interface RasterRequest {
  readonly bytes: Uint8Array;
  readonly bounds: PixelBounds;
}

configureSharp();
serve<RasterRequest, Rasterised>(({ bytes, bounds }) => rasterise(bytes, bounds));
