import type { Command } from "commander";
import { withRasteriser } from "../../appliance/rasterise-once.ts";
import { BLOCK_SIZES, type BlockSize, isBlockSize, RASTER_SIDE } from "../../attention/blocks.ts";
import { action } from "../context.ts";
import { UsageError } from "../error.ts";
import { namedFiles } from "../files.ts";
import { examples, lowestExit } from "../output.ts";
import { withBar } from "../progress.ts";
import { type AskParts, askFilm, type FilmAnswer } from "./image-answer.ts";
import { imageLines, summaryOf } from "./image-print.ts";
import { onPort, type PortOptions, withDevice } from "./open.ts";

interface Options extends PortOptions {
  readonly scale: string;
  readonly raw?: true;
  readonly digests?: true;
}

const FILES_MAX = 10_000;

export function registerImage(device: Command): void {
  onPort(device.command("image"))
    .summary("have the device hash the blocks of whole images, and compare the roots with this machine's own")
    .description(
      "Sends each film's 224×224 raster to the device, which computes the SHA-256 of every block and one root a block\n" +
        "size, and compares them with this machine's own. It shows that device and line are sound, nothing about the ASIC.",
    )
    .argument("<file...>", "PNG, JPEG or TIFF files; of a folder, the files in it")
    .option("--scale <sizes>", `block sizes in pixels, of ${BLOCK_SIZES.join(", ")}, parted by commas`, "8")
    .option("--raw", "send pixels as they are, not deflated")
    .option("--digests", "fetch every block's digest too, not only the roots")
    .addHelpText("after", examples("lv06 device image film.jpeg", "lv06 device image films/ --scale 4,8,16 --json"))
    .action(
      action(async (context, paths: string[], options: Options) => {
        const scales = scalesOf(options.scale);
        const question = { scales, digests: options.digests === true, raw: options.raw === true };
        const settings = context.config();
        const { maxFileBytes } = settings.ingest;
        const files = await namedFiles(paths, FILES_MAX);
        return withRasteriser(settings, (rasteriser) =>
          withDevice(context, options, async (opened) => {
            opened.signal.addEventListener("abort", () => void rasteriser.stop());
            const answers = await askFilms(files, { opened, rasteriser, maxFileBytes, question });
            const { id, simulated } = opened.device.info;
            const summary = summaryOf(answers);
            const images = answers.map(({ exit, ...answer }) => answer);
            context.output.answer({ id, simulated, ...summary, images }, () => imageLines(answers, summary, simulated));
            return lowestExit(answers.map(({ exit }) => exit));
          }),
        );
      }),
    );
}

/** @throws UsageError */
function scalesOf(text: string): BlockSize[] {
  const sizes = text.split(",").map(Number);
  if (sizes.every(isBlockSize) && new Set(sizes).size === sizes.length) return sizes;
  throw new UsageError("USAGE_OPTION", `--scale ${text} is not a list of different ones of ${BLOCK_SIZES.join(", ")}`);
}

/** The bar moves with the rows: on a slow line one film takes seconds. */
function askFilms(files: readonly string[], parts: Omit<AskParts, "onRows">): Promise<readonly FilmAnswer[]> {
  return withBar(files.length * RASTER_SIDE, "{bar} {percentage} %, {eta_formatted} to go", async (bar) => {
    const answers: FilmAnswer[] = [];
    for (const file of files) {
      const before = answers.length * RASTER_SIDE;
      answers.push(await askFilm(file, { ...parts, onRows: (rows) => bar.update(before + rows) }));
      parts.opened.signal.throwIfAborted();
      bar.update(answers.length * RASTER_SIDE);
    }
    return answers;
  });
}
