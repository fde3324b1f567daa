import { resolve } from "node:path";
import { SingleBar } from "cli-progress";
import type { Command } from "commander";
import { precompute } from "../appliance/precompute.ts";
import { withRasteriser } from "../appliance/rasterise-once.ts";
import { action } from "./context.ts";
import { interruptible } from "./interrupt.ts";
import { EXIT, examples } from "./output.ts";

export function registerPrecompute(program: Command): void {
  program
    .command("precompute")
    .summary("rasters and attention maps of a whole data set, for training")
    .description(
      "Writes raster.npy, attention-{4,8,16,32}.npy and index.jsonl for every image below a folder.\n" +
        "Run it again after an interruption: it goes on where it stopped. Files that are refused are in the index with their reason.",
    )
    .argument("<folder>", "folder with PNG, JPEG or TIFF files, searched 8 levels deep; links are not followed")
    .option("--out <folder>", "where the arrays go (default: beside the folder, with .precomputed behind its name)")
    .addHelpText("after", examples("lv06 precompute chest_xray", "lv06 precompute chest_xray --out build/precomputed"))
    .action(
      action(async ({ output, config }, folder: string, options: { readonly out?: string }) => {
        const out = options.out ?? `${resolve(folder)}.precomputed`;
        const settings = config();
        const bar = new SingleBar({
          stream: process.stderr,
          format: "{bar} {value}/{total} images, {duration_formatted}, {eta_formatted} to go",
          noTTYOutput: true,
          notTTYSchedule: 10_000,
        });
        let started = false;
        const progress = (done: number, total: number) => {
          if (started) bar.update(done);
          else bar.start(total, done);
          started = true;
        };
        const summary = await interruptible((signal) =>
          withRasteriser(settings, (rasteriser) => {
            signal.addEventListener("abort", () => void rasteriser.stop());
            return precompute(folder, out, {
              rasterise: (bytes) => rasteriser.rasterise(bytes),
              maxFileBytes: settings.ingest.maxFileBytes,
              progress,
            });
          }),
        ).finally(() => bar.stop());
        output.answer({ out, ...summary }, () => [
          `${summary.rows} images in ${out}${summary.resumed > 0 ? ` (${summary.resumed} from before)` : ""}` +
            `${summary.refused > 0 ? `, ${summary.refused} refused: see index.jsonl` : ""}`,
        ]);
        return summary.refused > 0 ? EXIT.refused : EXIT.done;
      }),
    );
}
