import { table } from "../output.ts";
import type { FilmAnswer } from "./image-answer.ts";
import { simulatedMark } from "./print.ts";

export interface ImageSummary {
  readonly hashed: number;
  readonly different: number;
  readonly failed: number;
  /** Bytes on the wire for each byte of a raster; null where none was hashed. */
  readonly meanRatio: number | null;
  readonly meanMs: number | null;
}

export function summaryOf(answers: readonly FilmAnswer[]): ImageSummary {
  const hashed = answers.filter(({ equal }) => equal !== null);
  return {
    hashed: hashed.length,
    different: hashed.filter(({ equal }) => equal === false).length,
    failed: answers.length - hashed.length,
    meanRatio: mean(
      hashed.map(({ ratio }) => ratio ?? 0),
      4,
    ),
    meanMs: mean(
      hashed.map(({ durationMs }) => durationMs ?? 0),
      1,
    ),
  };
}

function mean(values: readonly number[], decimals: number): number | null {
  if (values.length === 0) return null;
  return Number((values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(decimals));
}

export function imageLines(answers: readonly FilmAnswer[], summary: ImageSummary, simulated: boolean): string[] {
  const rows = answers.map(({ file, equal, wire, ratio, durationMs, error, roots }) => [
    file,
    error?.code ?? (equal === true ? "equal" : "DIFFERENT"),
    wire === null ? "" : String(wire.sentBytes + wire.receivedBytes),
    ratio?.toFixed(3) ?? "",
    durationMs === null ? "" : durationMs.toFixed(1),
    Object.entries(roots)
      .map(([scale, root]) => `${scale}: ${root.slice(0, 16)}…`)
      .join(" "),
  ]);
  const { hashed, different, failed, meanRatio, meanMs } = summary;
  const means = hashed === 0 ? "" : `, mean ${meanRatio} of the raster's bytes on the wire, ${meanMs} ms`;
  return [
    ...table(["file", "verdict", "wire bytes", "ratio", "ms", "roots"], rows),
    "",
    `${hashed} images, ${different} differ, ${failed} failed${means}${simulatedMark(simulated)}`,
    ...answers.flatMap(({ file, error }) => (error === null ? [] : [`${file}: ${error.message}`])),
  ];
}
