/** Sealing as it is configured, with this appliance's own key. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Config } from "../../config/schema.ts";
import { systemClock } from "../../device/clock.ts";
import { openSigningKey } from "../../seal/key-file.ts";
import type { Devices } from "../devices.ts";
import { KEYS_FOLDER } from "../files.ts";
import { Sealing, type SealingOptions } from "./sealing.ts";

type Surroundings = Pick<SealingOptions, "store" | "messagesOf" | "onSealed" | "onEvent" | "onTrouble">;

/** @throws SealError, StoreError */
export function makeSealing(config: Config, devices: Devices, around: Surroundings): Sealing {
  const { appliance, dataDir, seal } = config;
  return new Sealing({
    ...around,
    configured: devices.canSeal,
    searchers: devices.searchers,
    changes: devices.changes,
    clock: systemClock,
    appliance,
    policy: seal,
    minDifficulty: seal.minDifficulty,
    key: openSigningKey({ folder: join(dataDir, KEYS_FOLDER), randomSeed: () => randomBytes(32) }),
    utcMs: Date.now,
  });
}
