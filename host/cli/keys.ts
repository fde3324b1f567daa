import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { newKey, readSecrets } from "../appliance/secrets.ts";
import { action } from "./context.ts";
import { EXIT, examples } from "./output.ts";

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
    .summary("which keys are in use, by names that tell nothing of them")
    .description("Prints the ids of the keys that this configuration opens stored data with, the current one first.")
    .addHelpText("after", examples("lv06 keys show-ids"))
    .action(
      action(({ config, output }) => {
        const settings = config();
        const ids = readSecrets(settings, randomBytes).ring.keys.map(({ id }) => id.toString("hex"));
        const origin = settings.store.encryptionKey === null ? "keys folder" : "configuration";
        output.answer({ current: ids[0], older: ids.slice(1), origin }, () => [
          `${ids[0]}  current, from the ${origin}`,
          ...ids.slice(1).map((id) => `${id}  older, still opens`),
        ]);
        return EXIT.done;
      }),
    );
}
