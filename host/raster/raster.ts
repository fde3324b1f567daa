/** The canonical image, raster-v1: what is hashed, classified and sealed. */
import { createHash, hash } from "node:crypto";

/** Pixels a side. */
export const RASTER_SIZE = 224;
/** Names every rule between a file's bytes and the samples: decoder, grey, orientation, resampling. */
export const RASTER_VERSION = "raster-v1";

/** `samples`: 224×224 grey values 0…255, row by row from the top left. */
export interface Raster {
  readonly samples: Uint8Array;
}

const DIGEST_PREFIX = Buffer.concat([Buffer.from("lv06/raster/1\0", "latin1"), u16be(RASTER_SIZE), u16be(RASTER_SIZE)]);

/** @returns lowercase hex SHA-256("lv06/raster/1" ‖ 0x00 ‖ u16be width ‖ u16be height ‖ samples) */
export function rasterDigest(raster: Raster): string {
  return createHash("sha256").update(DIGEST_PREFIX).update(raster.samples).digest("hex");
}

/** @returns lowercase hex SHA-256 of the file as it was received */
export function fileDigest(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

function u16be(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
