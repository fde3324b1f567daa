/** The demo's films, maps and decisions as one picture. */
import { createRequire } from "node:module";
import sharp from "sharp";
import { computeAttention } from "../../host/attention/attention.ts";
import { drawOverlay, drawRaster, sideBySide } from "../../host/attention/draw.ts";
import { MULTI_SCALE } from "../../host/attention/map.ts";

export interface SheetEntry {
  readonly samples: Uint8Array;
  /** Lines under the film. */
  readonly caption: readonly string[];
}

const FONT = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf");
const COLUMNS = 2;
const MARGIN_PX = 16;
const CAPTION_PX = 66;
const HEAD_PX = 66;

/** Writes a PNG: a cell a film (film, overlay, caption), two cells a row. */
export async function writeContactSheet(path: string, entries: readonly SheetEntry[], head: string): Promise<void> {
  const cells = await Promise.all(entries.map(drawCell));
  const [first] = cells;
  if (first === undefined) return;
  const rows = Math.ceil(cells.length / COLUMNS);
  const width = COLUMNS * (first.width + MARGIN_PX) + MARGIN_PX;
  const height = HEAD_PX + rows * (first.height + CAPTION_PX + MARGIN_PX);
  const layers = cells.flatMap((cell, index) => {
    const left = MARGIN_PX + (index % COLUMNS) * (first.width + MARGIN_PX);
    const top = HEAD_PX + Math.floor(index / COLUMNS) * (first.height + CAPTION_PX + MARGIN_PX);
    return [
      { input: cell.picture, left, top },
      { input: cell.caption, left, top: top + first.height + 4 },
    ];
  });
  const title = await drawText(head, width - 2 * MARGIN_PX);
  await sharp({ create: { width, height, channels: 3, background: "white" } })
    .composite([{ input: title, left: MARGIN_PX, top: MARGIN_PX }, ...layers])
    .png()
    .toFile(path);
}

async function drawCell({ samples, caption }: SheetEntry) {
  const { map } = await computeAttention(samples, { scales: MULTI_SCALE, grids: [] });
  const { width, height, rgb } = sideBySide([drawRaster(samples), drawOverlay(samples, map)]);
  const picture = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return { width, height, picture, caption: await drawText(caption.join("\n"), width) };
}

/** The font comes with the project, so that a machine without fonts draws the same letters. */
async function drawText(text: string, width: number): Promise<Buffer> {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return sharp({
    text: { text: escaped, font: "DejaVu Sans 11", fontfile: FONT, width, dpi: 96, rgba: true, wrap: "word-char" },
  })
    .png()
    .toBuffer();
}
