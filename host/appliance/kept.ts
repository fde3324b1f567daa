/** Who holds the folders of files that were put away to what is configured. */
import { join } from "node:path";
import type { Vault } from "../base/vault.ts";
import type { Config } from "../config/schema.ts";
import { PROCESSED, QUARANTINE } from "../ingest/keeper.ts";
import { KeptUpkeep } from "../ingest/kept-upkeep.ts";
import { diskFreeBytes, lackingBytes } from "./admission.ts";
import type { Happenings } from "./happenings.ts";
import { ageOf } from "./housekeeper.ts";

export interface KeptSurroundings {
  readonly vault: Vault;
  readonly happenings: Happenings;
  readonly timeTrusted: () => boolean;
}

export function makeKeptUpkeep({ ingest, store }: Config, around: KeptSurroundings): KeptUpkeep {
  const { vault, happenings, timeTrusted } = around;
  const { inboxDir, keepMaxBytes, keepMaxAgeDays, quarantineMaxBytes, quarantineMaxFiles } = ingest;
  return new KeptUpkeep({
    folders: [
      {
        ...{ path: join(inboxDir, PROCESSED), givesWay: true },
        ...{ maxBytes: keepMaxBytes, maxFiles: null, maxAgeMs: ageOf(keepMaxAgeDays) },
      },
      {
        ...{ path: join(inboxDir, QUARANTINE), givesWay: false },
        ...{ maxBytes: quarantineMaxBytes, maxFiles: quarantineMaxFiles, maxAgeMs: null },
      },
    ],
    vault,
    utcMs: Date.now,
    timeTrusted,
    lackingBytes: () => lackingBytes(diskFreeBytes(inboxDir), store.diskFreeMinBytes),
    removed: (files) => happenings.keptRemoved(files),
    fileFailed: (code, id) => happenings.keptFailed(code, id),
    failed: (error) => happenings.failed("ingest", error),
  });
}
