/** The host's own CPU behind the Device interface: a device that is always there, for tests. */
import { setImmediate as turn } from "node:timers/promises";
import { merkleRoot } from "../../work/merkle.ts";
import type {
  Attestation,
  Device,
  DeviceHealth,
  DeviceImage,
  DeviceInfo,
  ImageAnswer,
  ImageQuestion,
  RequestOptions,
  WorkOutcome,
} from "../device.ts";
import { sha256 } from "../digest.ts";
import { DeviceError } from "../errors.ts";

/** Well under a millisecond of hashing between two turns of the event loop. */
const BLOCKS_A_TURN = 256;

export class SoftwareDevice implements Device {
  readonly kind = "software";
  readonly info: DeviceInfo = {
    id: "software",
    firmware: `node/${process.versions.node}`,
    simulated: false,
    capabilities: new Set(["hash", "image"]),
    bootId: "",
    maxBlockBytes: 1024 * 1024,
  };

  async hash(blocks: readonly Uint8Array[], { signal }: RequestOptions = {}): Promise<Uint8Array[]> {
    const digests: Uint8Array[] = [];
    for (const [index, block] of blocks.entries()) {
      if (index % BLOCKS_A_TURN === BLOCKS_A_TURN - 1) await turn();
      if (signal?.aborted) throw new DeviceError("DEVICE_ABORTED", "the caller gave up");
      digests.push(sha256(block));
    }
    return digests;
  }

  async image(image: DeviceImage, { scales, digestsOf = [] }: ImageQuestion): Promise<ImageAnswer> {
    const digests = new Map(scales.map((scale) => [scale, Buffer.concat(blocksOf(image, scale).map(sha256))]));
    return {
      roots: new Map([...digests].map(([scale, all]) => [scale, merkleRoot(all)])),
      digests: new Map([...digests].filter(([scale]) => digestsOf.includes(scale))),
    };
  }

  async work(): Promise<WorkOutcome> {
    throw new DeviceError("DEVICE_UNSUPPORTED", "the host's CPU searches no work proofs");
  }

  async attest(): Promise<Attestation> {
    throw new DeviceError("DEVICE_UNSUPPORTED", "the host's CPU has no device key");
  }

  async health(): Promise<DeviceHealth> {
    throw new DeviceError("DEVICE_UNSUPPORTED", "the host's CPU has no device health");
  }

  async close(): Promise<void> {}
}

function blocksOf({ width, height, samples }: DeviceImage, side: number): Uint8Array[] {
  const across = width / side;
  return Array.from({ length: across * (height / side) }, (_, index) => {
    const from = Math.floor(index / across) * side * width + (index % across) * side;
    const rows = Array.from({ length: side }, (_, row) =>
      samples.subarray(from + row * width, from + row * width + side),
    );
    return Buffer.concat(rows);
  });
}
