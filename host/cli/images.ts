import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { readSecrets } from "../appliance/secrets.ts";
import { type KeptEntry, listKept, openKeptImage } from "../ingest/kept-list.ts";
import { sidecarOf } from "../ingest/sidecar.ts";
import { action } from "./context.ts";
import { CommandError } from "./error.ts";
import { writePrivateFile } from "./files.ts";
import { EXIT, examples, table } from "./output.ts";
import { LIMIT, limitOf } from "./store.ts";

const ID = /^[0-9a-f]{32}$/;

export function registerImages(program: Command): void {
  const images = program
    .command("images")
    .description("images that were put away, encrypted; works while the appliance runs, as its user or root");
  registerLs(images);
  registerOpen(images);
}

function registerLs(images: Command): void {
  images
    .command("ls")
    .description("the newest kept images, and those in quarantine with the reason: under the names that they came with")
    .option(...LIMIT)
    .addHelpText("after", examples("lv06 images ls --limit 5"))
    .action(
      action(async ({ config, output }, options: { readonly limit: string }) => {
        const limit = limitOf(options);
        const settings = config();
        const { vault } = readSecrets(settings, randomBytes);
        const kept = await listKept(settings.ingest.inboxDir, vault, limit);
        output.answer({ images: kept }, () => lines(kept));
        return EXIT.done;
      }),
    );
}

function registerOpen(images: Command): void {
  images
    .command("open")
    .summary("one kept image, as it came")
    .description(
      "Writes a kept image as it came, for its user alone, and beside it, with .json behind the name, what was said of it.",
    )
    .argument("<id>", "its id: of a processed image, its result's")
    .requiredOption("--out <file>", "where it is written to, in the open")
    .option("--force", "replace what --out names")
    .addHelpText("after", examples("lv06 images open 0f3c4d5e6f708192a3b4c5d6e7f80910 --out film.png"))
    .action(
      action(
        async ({ config, output }, id: string, { out, force }: { readonly out: string; readonly force?: true }) => {
          const settings = config();
          const { vault } = readSecrets(settings, randomBytes);
          const found = ID.test(id) ? await openKeptImage(settings.ingest.inboxDir, vault, id) : undefined;
          if (found === undefined) throw new CommandError("IMAGE_MISSING", `no kept image has the id ${id}`);
          const { head, content, sidecar } = found;
          if (head.unread) throw new CommandError("IMAGE_UNREAD", `${id} was never read`);
          await writePrivateFile("--out", out, content, force === true);
          if (sidecar !== null) await writePrivateFile("--out", sidecarOf(out), sidecar, force === true);
          output.answer({ id, out, ...head, sidecar: sidecar !== null }, () => [`${out}: ${head.sizeBytes} bytes`]);
          return EXIT.done;
        },
      ),
    );
}

function lines(kept: readonly KeptEntry[]): string[] {
  return table(
    ["put away (UTC)", "folder", "bytes", "reference", "why", "id"],
    kept.map(({ id, folder, head, code }) => [
      head === null ? "" : new Date(head.utcMs).toISOString().slice(0, 19),
      folder,
      head === null || head.unread ? "" : String(head.sizeBytes),
      head?.reference ?? "does not open",
      code ?? "",
      id,
    ]),
  );
}
