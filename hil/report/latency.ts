/** Latencies as histograms on a logarithmic axis, one row a target, so that targets can be compared by eye. */
import type { RunReport } from "../rig/report.ts";
import { type Bucket, bucketsOf, type Quantiles, quantilesOf } from "./histogram.ts";
import { html, type Markup } from "./markup.ts";
import { durationText } from "./words.ts";

const [WIDTH, HEIGHT] = [1000, 56];
/** The first bucket begins at nothing, which has no place on the axis. */
const LEAST_US = 5;
/** Of fewer the 99th percentile is the greatest. */
const LEAST_OF_99 = 101;

/** Fewer are a row of a table. */
const MANY = 8;

interface Series {
  readonly target: string;
  readonly latenciesMs: readonly number[];
}

/** Name of the measurement → its targets, those of one name put together over all cases. */
export function measurementsOf({ results }: Pick<RunReport, "results">): Map<string, Series[]> {
  const all = results.flatMap(({ target, latencies }) =>
    Object.entries(latencies).map(([name, latenciesMs]) => ({ name, target, latenciesMs })),
  );
  const names = Map.groupBy(all, ({ name }) => name);
  return new Map(
    [...names].map(([name, own]) => {
      const targets = Map.groupBy(own, ({ target }) => target);
      const series = [...targets].map(([target, parts]) => ({
        target,
        latenciesMs: parts.flatMap(({ latenciesMs }) => latenciesMs),
      }));
      return [name, series] as const;
    }),
  );
}

export function latencyPart(report: RunReport): Markup | null {
  const all = [...measurementsOf(report)].map(([name, series]) => [name, series.flatMap(shownOf)] as const);
  const [some, few] = [all.filter(isMany), all.filter((one) => !isMany(one) && one[1].length > 0)];
  if (some.length + few.length === 0) return null;
  return html`<section id="latency"><h2>Latency</h2>
<p class="soft small">Buckets of 10 µs up to 320 µs, then of 3 to 6 %. Solid line: median; dashed: 99th percentile, of ${LEAST_OF_99} and more. Each row has its own height. Left out is what a clock measured that stands still while the host works: no time.</p>
${some.map(([name, rows]) => measurement(name, rows))}${few.length === 0 ? null : fewTable(few)}</section>`;
}

interface Shown {
  readonly target: string;
  readonly quantiles: Quantiles;
  readonly buckets: readonly Bucket[];
}

function shownOf({ target, latenciesMs }: Series): Shown[] {
  const quantiles = quantilesOf(latenciesMs);
  return quantiles === null ? [] : [{ target, quantiles, buckets: bucketsOf(latenciesMs) }];
}

function isMany([, rows]: readonly [string, readonly Shown[]]): boolean {
  return rows.some(({ quantiles }) => quantiles.count >= MANY);
}

/** What was measured a few times has no shape to draw. */
function fewTable(few: readonly (readonly [string, readonly Shown[]])[]): Markup {
  const rows = few.flatMap(([name, shown]) =>
    shown.map(
      ({ target, quantiles: { count, p50, max } }, index) =>
        html`<tr><th scope="row">${index === 0 ? name : ""}</th><td>${target}</td><td>${durationText(p50)}</td><td>${durationText(max)}</td><td>${count}</td></tr>\n`,
    ),
  );
  return html`<div class="card"><h3>Measured a few times</h3><div class="scroll"><table class="few">
<thead><tr><th></th><th>target</th><th>p50</th><th>max</th><th>n</th></tr></thead><tbody>
${rows}</tbody></table></div></div>`;
}

interface Scale {
  at(us: number): number;
  readonly ticksUs: readonly number[];
}

function measurement(name: string, shown: readonly Shown[]): Markup {
  const scale = scaleOf(shown.flatMap(({ buckets }) => buckets));
  const ticks = scale.ticksUs.map(
    (us) => html`<span style="left:${(scale.at(us) / WIDTH) * 100}%">${durationText(us / 1000)}</span>`,
  );
  return html`<div class="card"><h3>${name}</h3>
${shown.map((row) => histogram(row.target, row.quantiles, row.buckets, scale))}
<div class="hist"><span></span><div class="axis">${ticks}</div></div></div>
`;
}

/** Whole steps of 1, 2, 5 around what there is. */
function scaleOf(buckets: readonly Bucket[]): Scale {
  const low = stepDown(Math.max(LEAST_US, Math.min(...buckets.map(({ fromUs }) => fromUs))));
  const high = stepUp(Math.max(...buckets.map(({ toUs }) => toUs)));
  const span = Math.log(high / low);
  const all: number[] = [];
  for (let us = low; us < high * 1.001; us = stepUp(us * 1.001)) all.push(us);
  const every = Math.ceil(all.length / 7);
  const ticksUs = all.filter((_, index) => index % every === 0);
  return { at: (us) => (Math.log(Math.max(us, low) / low) / span) * WIDTH, ticksUs };
}

const STEPS = [1, 2, 5, 10];

function stepUp(us: number): number {
  const decade = 10 ** Math.floor(Math.log10(us));
  return decade * (STEPS.find((step) => step * decade >= us * 0.9999) ?? 10);
}

function stepDown(us: number): number {
  const decade = 10 ** Math.floor(Math.log10(us));
  return decade * (STEPS.findLast((step) => step * decade <= us * 1.0001) ?? 1);
}

function histogram(target: string, quantiles: Quantiles, buckets: readonly Bucket[], scale: Scale): Markup {
  const { count, p50, p90, p99, max } = quantiles;
  const most = Math.max(...buckets.map((bucket) => bucket.count));
  const bars = buckets.map((bucket) => {
    const [from, to] = [scale.at(bucket.fromUs), scale.at(bucket.toUs)];
    const height = Math.max(1.5, (bucket.count / most) * HEIGHT);
    const title = `${durationText(bucket.fromUs / 1000)} to ${durationText(bucket.toUs / 1000)}: ${bucket.count}`;
    return html`<rect x="${fixed(from)}" y="${fixed(HEIGHT - height)}" width="${fixed(Math.max(1.2, to - from - 0.6))}" height="${fixed(height)}"><title>${title}</title></rect>`;
  });
  const mark = (ms: number, look: string) => {
    const x = fixed(scale.at(ms * 1000));
    return html`<line class="${look}" x1="${x}" x2="${x}" y1="0" y2="${HEIGHT}"/>`;
  };
  const tail = count < LEAST_OF_99 ? [] : ([["p99", p99]] as const);
  const words = `${target}: ${count} measured, median ${durationText(p50)}, greatest ${durationText(max)}`;
  const figures = [["p50", p50], ["p90", p90], ...tail, ["max", max]] as const;
  return html`<div class="hist"><b class="small">${target}</b><div class="plot"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" height="${HEIGHT}"
 preserveAspectRatio="none" role="img" aria-label="${words}">${bars}${mark(p50, "p50")}${tail.map(([look, ms]) => mark(ms, look))}</svg></div>
<div class="quantiles">${figures.map(([label, ms]) => html`<span>${label} <b>${durationText(ms)}</b></span>`)}<span>n ${count}</span></div></div>
`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
