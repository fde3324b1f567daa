import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { RESULTS_FILE } from "../appliance/files.ts";
import { newKey, readSecrets } from "../appliance/secrets.ts";
import { filesByKey } from "../ingest/kept-list.ts";
import { rowsByKey } from "../store/known-keys.ts";
import { action } from "./context.ts";
import { EXIT, examples, table } from "./output.ts";

export function registerKeys(program: Command): void {
  const keys = program.command("keys").description("keys of what is stored, and of pseudonyms");
  keys
    .command("new")
    .summary("a new random key, printed")
    .description(
      "Prints 32 random bytes in hex, for store.encryptionKey or privacy.siteKey; nothing else is done. " +
        "It is a secret: send it straight into a file that only the appliance's user may read.",
    )
    .addHelpText("after", examples("(umask 077; lv06 keys new > /etc/lv06/credentials/store.encryptionKey)"))
    .action(
      action(({ output }) => {
        const key = newKey(randomBytes);
        output.answer({ key }, () => [key]);
        return EXIT.done;
      }),
    );
  keys
    .command("show-ids")
    .summary("which keys are in use, by names that tell nothing of them, and for how much")
    .description(
      "Prints the ids of the keys that this configuration opens stored data with, the current one first, and how many results and " +
        "waiting messages (rows) and kept films (files) each still encrypts. An older key may go once it encrypts nothing.",
    )
    .addHelpText("after", examples("lv06 keys show-ids"))
    .action(
      action(async ({ config, output }) => {
        const settings = config();
        const { ring, vault } = readSecrets(settings, randomBytes);
        const given = ring.keys.map(({ id }) => id.toString("hex"));
        const path = join(settings.dataDir, RESULTS_FILE);
        const rows = existsSync(path) ? rowsByKey(path, vault) : new Map<string, number>();
        const files = await filesByKey(settings.ingest.inboxDir);
        const missing = [...new Set([...rows.keys(), ...files.keys()])].filter((id) => !given.includes(id));
        const keys = [...given, ...missing].map((id) => ({
          ...{ id, role: roleOf(given, id) },
          ...{ rows: rows.get(id) ?? 0, files: files.get(id) ?? 0 },
        }));
        const origin = settings.store.encryptionKey === null ? "keys folder" : "configuration";
        output.answer({ current: given[0], older: given.slice(1), origin, keys }, () => [
          ...table(
            ["id", "is", "rows", "files"],
            keys.map(({ id, role, rows, files }) => [id, role, String(rows), String(files)]),
          ),
          `from the ${origin}`,
        ]);
        return EXIT.done;
      }),
    );
}

function roleOf(given: readonly string[], id: string): "current" | "older" | "missing" {
  const place = given.indexOf(id);
  return place === 0 ? "current" : place > 0 ? "older" : "missing";
}
