/** The host's own CPU behind the Device interface: a device that is always there, for tests. */
import { setImmediate as turn } from "node:timers/promises";
import type { Device, DeviceHealth, DeviceInfo, RequestOptions } from "../device.ts";
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
    capabilities: new Set(["hash"]),
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

  async health(): Promise<DeviceHealth> {
    throw new DeviceError("DEVICE_UNSUPPORTED", "the host's CPU has no device health");
  }

  async close(): Promise<void> {}
}
