/** What the demo shows of each result. */
import { table } from "../../host/cli/output.ts";
import type { Received } from "./outside-client.ts";
import type { ResultSeal } from "./seals.ts";

export interface Row {
  readonly pass: 1 | 2;
  readonly file: string;
  readonly sequence: number;
  readonly probability: string;
  readonly decision: string;
  readonly source: string;
  readonly check: {
    readonly outcome: string;
    readonly checked: number;
    readonly mismatches: number;
    readonly simulated: boolean;
  };
  readonly timingMs: Readonly<Record<string, number>>;
  readonly cached: boolean;
  readonly seal: ResultSeal | undefined;
  /** All that must be equal between the passes. */
  readonly answer: string;
}

type Data = Record<string, unknown>;

export function rowsOf(
  pass: 1 | 2,
  results: readonly Received[],
  events: readonly Received[],
  seals: ReadonlyMap<string, ResultSeal>,
): Row[] {
  return results.map(({ data }) => {
    const attention = data.attention as { readonly source: string; readonly digest: string };
    return {
      pass,
      file: String(data.reference),
      sequence: Number(data.sequence),
      probability: Number(data.probability).toFixed(4),
      decision: String(data.decision),
      source: attention.source,
      check: checkOf(data, events),
      timingMs: data.timingMs as Record<string, number>,
      cached: data.cached === true,
      seal: seals.get(String(data.resultId)),
      answer: JSON.stringify([data.label, data.probability, data.decision, data.input, data.model, attention.digest]),
    };
  });
}

function checkOf(result: Data, events: readonly Received[]): Row["check"] {
  const event = events.find(({ data }) => data.kind === "digest-check" && data.resultId === result.resultId);
  if (event === undefined) return { outcome: "not checked (cached)", checked: 0, mismatches: 0, simulated: false };
  const { outcome, checked, mismatches, device } = event.data as unknown as Row["check"] & {
    readonly device: { readonly simulated: boolean };
  };
  return { outcome, checked, mismatches, simulated: device.simulated };
}

export function showTable(rows: readonly Row[]): string[] {
  const ms = (row: Row, stage: string) => row.timingMs[stage]?.toFixed(1) ?? "";
  return table(
    [
      "pass",
      "file",
      "P(pneumonia)",
      "decision",
      "attention",
      "digests on device",
      "raster ms",
      "attention ms",
      "features ms",
      "head ms",
      "total ms",
      "cached",
      "sealed",
    ],
    rows.map((row) => [
      String(row.pass),
      row.file,
      row.probability,
      row.decision,
      row.source,
      row.check.checked === 0
        ? row.check.outcome
        : `${row.check.checked} ${row.check.outcome}${row.check.simulated ? ", simulated" : ""}`,
      ms(row, "raster"),
      ms(row, "attention"),
      ms(row, "features"),
      ms(row, "head"),
      ms(row, "total"),
      row.cached ? "yes" : "no",
      row.seal === undefined ? "no" : `seal ${row.seal.number}, after ${row.seal.afterMs} ms`,
    ]),
  );
}
