import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { makeBackup } from "../appliance/backup/backup.ts";
import { KEYS } from "../config/keys.ts";
import { type Loaded, valueAt } from "../config/load.ts";
import { action, packageVersion } from "./context.ts";
import { interruptible } from "./interrupt.ts";
import { EXIT, examples } from "./output.ts";
import { withBar } from "./progress.ts";

interface Options {
  readonly withKeys?: boolean;
  readonly force?: boolean;
}

export function registerBackup(program: Command): void {
  program
    .command("backup")
    .summary("results, configuration and, if asked for, keys into one file; works while the appliance runs")
    .description(
      "Writes one tar file: the results, seals and waiting messages as they are at one moment, the configuration file, " +
        "and how paired miners are set back. Results stay encrypted in it: without their keys nobody can read them. " +
        "--with-keys puts the keys in too (of what is stored, of pseudonyms, of signatures): then the file is as secret as they are. " +
        "Not in it: films, whether they wait or were kept; passwords and certificates for the broker.",
    )
    .argument("<file>", "the tar file to write")
    .option("--with-keys", "put the keys in")
    .option("--force", "replace the file if it is there")
    .addHelpText(
      "after",
      `${examples(
        "lv06 backup /mnt/safe/lv06-$(date +%F).tar --with-keys",
        "sudo lv06 backup /var/backups/lv06/today.tar --force --json",
      )}

Exit codes: 0 done · 1 there is no backup, and the file is as it was · 2 usage or configuration`,
    )
    .action(
      action(async ({ load, output }, file: string, { withKeys = false, force = false }: Options) => {
        const loaded = load();
        const work = (progress: (done: number) => void, signal: AbortSignal) =>
          makeBackup({
            ...{ config: loaded.config, configFile: loaded.file, secretsInFile: secretsInFile(loaded) },
            ...{ file, withKeys, replace: force, software: packageVersion() },
            ...{ utcMs: Date.now, random: randomBytes, progress, signal },
          });
        const { manifest, sizeBytes } = await interruptible((signal) =>
          withBar(100, "{bar} {value} %", ({ update }) => work((done) => update(Math.floor(100 * done)), signal)),
        );
        const { store, files, keyIds } = manifest;
        output.answer({ file, sizeBytes, manifest }, () => [
          `${file}: ${store.results} results up to number ${store.lastSequence}, ${files.length} files, ${sizeBytes} bytes`,
        ]);
        if (!withKeys) {
          output.note(
            `Without the key${keyIds.length > 1 ? "s" : ""} ${keyIds.join(", ")} nobody can read it: keep them, or give --with-keys.`,
          );
        }
        return EXIT.done;
      }),
    );
}

/** Names of secrets that stand in the configuration file itself. */
function secretsInFile({ config, origins, file }: Loaded): readonly string[] {
  if (file === null) return [];
  const elsewhere = (origin: string) => origin === "default" || origin === "credential" || origin.startsWith("env ");
  return KEYS.filter(({ secret }) => secret)
    .filter((key) => valueAt(config, key) !== null && !elsewhere(origins.get(key.name) ?? "default"))
    .map(({ name }) => name);
}
