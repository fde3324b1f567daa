/** A run's report as a file that another run can be compared with. */
import type { Passed, RunReport } from "../rig/report.ts";

/** Bytes become base64. */
export function reportJson(report: RunReport): string {
  const plain = (_: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
  // Buffers would become `{type, data}` before the function sees them.
  const bytes = ({ atUs, direction, bytes: chunk }: Passed) => ({ atUs, direction, bytes: Uint8Array.from(chunk) });
  const results = report.results.map((result) => ({
    ...result,
    attempts: result.attempts.map((attempt) => ({ ...attempt, last: attempt.last.map(bytes) })),
  }));
  return `${JSON.stringify({ ...report, results }, plain)}\n`;
}

/** @throws SyntaxError; Error if it is no report of this version */
export function parseReport(text: string): RunReport {
  const fromText = (key: string, value: unknown) =>
    key === "bytes" && typeof value === "string" ? new Uint8Array(Buffer.from(value, "base64")) : value;
  const report: unknown = JSON.parse(text, fromText);
  const isReport = typeof report === "object" && report !== null && "version" in report && "results" in report;
  if (!isReport || report.version !== 1) throw new Error("this is no run's report of version 1");
  return report as RunReport;
}
