/**
 * The Stratum bridge: what a share costs it, and what a crowd of miners costs in memory. Simulated miners on the
 * loopback interface, with shares so easy that nearly every nonce is one: no device is measured.
 */
import { join, resolve } from "node:path";
import type { CrowdFigures } from "./crowd.ts";
import { type BenchTools, median, reportOf } from "./tools.ts";

const PATH_BENCH = resolve(import.meta.dirname, "../../host/device/stratum/testing/bench-main.ts");
const CROWD = join(import.meta.dirname, "crowd.ts");
const MINERS = 64;

interface PathFigures {
  readonly judgedLinesPerS: number;
  readonly toProof: { readonly p50Ms: number; readonly p99Ms: number };
  readonly toAnswer: { readonly p50Ms: number; readonly p99Ms: number };
}

export function stratumFigures(tools: BenchTools): void {
  sharePath(tools);
  crowd(tools);
}

function sharePath({ note, add, share }: BenchTools): void {
  note("shares through the bridge (simulated miners) …");
  const of = reportOf<PathFigures>(PATH_BENCH, Math.round(100_000 * share), 0);
  const { judgedLinesPerS: rate } = of;
  add("submit line → judged → answered, one core", rate, "/s", "≥ 50,000", rate >= 50_000, true);
  add("share: submit written → proof at the caller, p99", of.toProof.p99Ms, "ms", "", null, true);
  add("share: submit written → answer read, p99", of.toAnswer.p99Ms, "ms", "", null, true);
}

/**
 * What is live after a collection, from the third fifth of the time, when code is compiled and tables are full, to the
 * last; beside it the resident size, which the collector decides.
 */
function crowd({ note, add, share }: BenchTools): void {
  note(`${MINERS} miners on one bridge (simulated) …`);
  const figures = reportOf<CrowdFigures>(CROWD, MINERS, Math.max(10, Math.round(60 * share)));
  const { violations, rejections, liveMiB, rssMiB, shares, connections } = figures;
  if (violations.length + rejections.length > 0) throw new Error([...violations, ...rejections].join("; "));
  const growth = (of: readonly number[]) => {
    const part = Math.ceil(of.length / 5);
    return (median(of.slice(-part)) / median(of.slice(2 * part, 3 * part)) - 1) * 100;
  };
  add(`${MINERS} miners: shares, each judged`, shares, "", "", null, true);
  add(`  connections, broken off and opened again`, connections, "", "", null, true);
  add(`  fewest shares of one of them`, figures.fewest, "", "", null, true);
  const grown = growth(liveMiB);
  add(`  growth of live memory meanwhile`, grown, "%", "≤ 5", grown <= 5, true);
  add(`  growth of resident memory meanwhile`, growth(rssMiB), "%", "", null, true);
  add(`  resident at the end, miners included`, rssMiB.at(-1) ?? Number.NaN, "MiB", "", null, true);
}
