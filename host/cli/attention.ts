import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import sharp from "sharp";
import { withRasteriser } from "../appliance/rasterise-once.ts";
import { computeAttention } from "../attention/attention.ts";
import { BLOCK_SIZES, isBlockSize } from "../attention/blocks.ts";
import { drawMap, drawOverlay, drawRaster, type Picture, sideBySide } from "../attention/draw.ts";
import { ATTENTION_VERSION, MULTI_SCALE, type Scale } from "../attention/map.ts";
import { errorMessage } from "../base/error.ts";
import { fileDigest, rasterDigest } from "../raster/raster.ts";
import { action } from "./context.ts";
import { CommandError, UsageError } from "./error.ts";
import { readNamedFile } from "./files.ts";
import { EXIT, examples } from "./output.ts";

interface Options {
  readonly block: string;
  readonly out?: string;
  readonly scale: string;
}

export function registerAttention(program: Command): void {
  program
    .command("attention")
    .summary("draw an image's hash attention map")
    .description(
      "Draws the attention map of an image: the film, the map and an overlay side by side.\n" +
        "The map is noise keyed by pixels. It explains nothing about the image and must not be read as if it did.",
    )
    .argument("<image>", "PNG, JPEG or TIFF file")
    .option("--block <size>", `block size in pixels: ${BLOCK_SIZES.join(", ")}, or multi (4, 8 and 16 weighted)`, "8")
    .option("--out <file>", "PNG file to write; without it only digests and figures are printed")
    .option("--scale <n>", "enlarge the picture n times, 1 to 8", "2")
    .addHelpText(
      "after",
      examples("lv06 attention film.jpeg --block 8 --out map.png", "lv06 attention film.jpeg --block multi --json"),
    )
    .action(
      action(async ({ output, config }, image: string, options: Options) => {
        const scales = scalesOf(options.block);
        const enlarge = Number(options.scale);
        if (!Number.isInteger(enlarge) || enlarge < 1 || enlarge > 8) {
          throw new UsageError("USAGE_OPTION", `--scale ${options.scale} is not a whole number from 1 to 8`);
        }
        const settings = config();
        const bytes = await readNamedFile(image, settings.ingest.maxFileBytes);
        const { raster } = await withRasteriser(settings, (rasteriser) => rasteriser.rasterise(bytes));
        const { digest, map } = await computeAttention(raster.samples, { scales, grids: [] });
        if (options.out !== undefined) {
          const pictures = [drawRaster(raster.samples), drawMap(map), drawOverlay(raster.samples, map)];
          await writePng(options.out, sideBySide(pictures), enlarge);
        }
        const document = {
          image,
          out: options.out ?? null,
          fileDigest: fileDigest(bytes),
          rasterDigest: rasterDigest(raster),
          attention: { version: ATTENTION_VERSION, scales, grid: map.grid, digest },
        };
        output.answer(document, () => [
          `raster     ${document.rasterDigest}`,
          `attention  ${digest} (${ATTENTION_VERSION}, blocks ${scales.map(({ block }) => block).join(", ")}, ${map.grid}×${map.grid})`,
          ...(options.out === undefined ? [] : [`picture    ${options.out}: film, map, overlay`]),
        ]);
        return EXIT.done;
      }),
    );
}

function scalesOf(block: string): readonly Scale[] {
  if (block === "multi") return MULTI_SCALE;
  const size = Number(block);
  if (isBlockSize(size)) return [{ block: size, weight: 1 }];
  throw new UsageError("USAGE_OPTION", `--block ${block} is not one of ${BLOCK_SIZES.join(", ")}, multi`);
}

async function writePng(path: string, { width, height, rgb }: Picture, enlarge: number): Promise<void> {
  const png = sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(width * enlarge, height * enlarge, { kernel: "nearest" })
    .png();
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, await png.toBuffer());
  } catch (error) {
    throw new CommandError("OUTPUT_WRITE", `--out ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
