/** Who holds the folders of files that were put away to what is configured. */
import { join } from "node:path";
import type { Vault } from "../base/vault.ts";
import type { Config } from "../config/schema.ts";
import { clockSynced } from "../health/machine.ts";
import { PROCESSED, QUARANTINE } from "../ingest/keeper.ts";
import { KeptUpkeep } from "../ingest/kept-upkeep.ts";
import { diskFreeBytes, lackingBytes } from "./admission.ts";
import type { Happenings } from "./happenings.ts";
import { ageOf } from "./housekeeper.ts";

export function makeKeptUpkeep({ ingest, store }: Config, vault: Vault, happenings: Happenings): KeptUpkeep {
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
    timeTrusted: () => clockSynced() !== false,
    lackingBytes: () => lackingBytes(diskFreeBytes(inboxDir), store.diskFreeMinBytes),
    removed: (files) => happenings.keptRemoved(files),
    fileFailed: (code, id) => happenings.keptFailed(code, id),
    failed: (error) => happenings.failed("ingest", error),
  });
}
