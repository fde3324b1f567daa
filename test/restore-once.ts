/** One restore in a process of its own: `restore-once.ts CONFIG FILE`. */
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { restoreBackup } from "../host/appliance/backup/restore.ts";
import { loadConfig } from "../host/config/load.ts";

const [, , configFile = "", file = ""] = process.argv;
const folder = dirname(configFile);
await restoreBackup({
  config: loadConfig({ file: configFile, env: {}, cwd: folder, installDir: folder }).config,
  ...{ configFile, file, check: false, utcMs: Date.now, random: randomBytes, progress: () => {} },
  signal: new AbortController().signal,
});
