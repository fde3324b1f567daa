import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { type Restored, restoreBackup } from "../appliance/backup/restore.ts";
import { action } from "./context.ts";
import { writePrivateFile } from "./files.ts";
import { interruptible } from "./interrupt.ts";
import { EXIT, examples } from "./output.ts";
import { withBar } from "./progress.ts";

interface Options {
  readonly check?: boolean;
  readonly configOut?: string;
}

export function registerRestore(program: Command): void {
  program
    .command("restore")
    .summary("put a backup in the place of what is in the data folder, which is set aside")
    .description(
      "Verifies every file of a backup and that its results open with the keys, then puts it in the place of what the data folder has. " +
        "What was there is set aside in a folder before-restore-… of the data folder, never deleted. The appliance must be stopped. " +
        "Results are numbered on above every number that can have been given. The configuration in use is not changed: " +
        "--config-out writes out the one of the backup.",
    )
    .argument("<file>", "the tar file of `lv06 backup`")
    .option("--check", "only verify; the appliance may run")
    .option("--config-out <file>", "write the configuration of the backup to this new file")
    .addHelpText(
      "after",
      `${examples(
        "lv06 restore /mnt/safe/lv06-2026-03-01.tar --check",
        "sudo systemctl stop lv06 && sudo lv06 restore /mnt/safe/lv06-2026-03-01.tar && sudo systemctl start lv06",
      )}

Exit codes: 0 done, or the backup is good · 1 nothing was changed, unless BACKUP_UNFINISHED says so · 2 usage or configuration`,
    )
    .action(
      action(async ({ load, output }, file: string, { check = false, configOut }: Options) => {
        const { config, file: configFile } = load();
        const work = (progress: (done: number) => void, signal: AbortSignal) =>
          restoreBackup({
            ...{ config, configFile, file, check: check },
            ...{ utcMs: Date.now, random: randomBytes, progress, signal },
          });
        const restored = await interruptible((signal) =>
          withBar(100, "{bar} {value} %", ({ update }) => work((done) => update(Math.floor(100 * done)), signal)),
        );
        const { manifest, setAside, keys, above, backupConfig, configDiffers } = restored;
        if (configOut !== undefined && backupConfig !== null) {
          await writePrivateFile("--config-out", configOut, Buffer.from(backupConfig), false);
        }
        output.answer({ checked: true, restored: !check, setAside, keys, above, configDiffers, manifest }, () =>
          lines(restored, check),
        );
        return EXIT.done;
      }),
    );
}

function lines({ manifest, setAside, keys, above, configDiffers }: Restored, onlyChecked: boolean): string[] {
  const { store, site, appliance, utcMs } = manifest;
  const what = `${store.results} results up to number ${store.lastSequence} of ${site}/${appliance}, from ${new Date(utcMs).toISOString()}`;
  return [
    onlyChecked ? `good: ${what}` : `restored: ${what}`,
    ...(setAside === null ? [] : [`what was there before: ${setAside}`]),
    ...(keys.length === 0 ? [] : [`keys from the backup: ${keys.join(", ")}`]),
    ...(onlyChecked ? [] : [`the next result will have a number above ${above}`]),
    ...(configDiffers
      ? ["the backup's configuration is another than the one in use (--config-out writes it out)"]
      : []),
  ];
}
