/** Case × target, grouped by transport and paragraph. */
import type { TransportKind } from "../rig/bench.ts";
import type { CaseResult, RunReport, TargetInfo } from "../rig/report.ts";
import { icon, VERDICT_WORDS } from "./icons.ts";
import { html, type Markup } from "./markup.ts";
import { durationText } from "./words.ts";

export interface MatrixRow {
  readonly id: string;
  readonly first: CaseResult;
  readonly byTarget: ReadonlyMap<string, CaseResult>;
}

/** Paragraph → its cases, paragraphs in the order of their numbers. */
export function rowsBySection(results: readonly CaseResult[]): Map<string, MatrixRow[]> {
  const cases = Map.groupBy(results, ({ id }) => id);
  const rows = [...cases].flatMap(([id, own]) => {
    const first = own[0];
    return first === undefined ? [] : [{ id, first, byTarget: new Map(own.map((one) => [one.target, one])) }];
  });
  const sections = Map.groupBy(rows, ({ first }) => first.spec[0] ?? "no paragraph");
  const order = new Intl.Collator("en", { numeric: true });
  return new Map([...sections].sort(([a], [b]) => order.compare(a, b)));
}

export function anchorOf({ id, target }: Pick<CaseResult, "id" | "target">): string {
  return `f-${target}-${id}`.replace(/[^A-Za-z0-9_-]/g, "-");
}

/** @param titles paragraph → its title, such as `SPEC 5.2` → `HASH` */
export function matrixPart(report: RunReport, titles: ReadonlyMap<string, string>): Markup {
  const transports = [...new Set(report.targets.map(({ transport }) => transport))];
  return html`<section id="matrix"><h2>Cases and targets</h2>
<label class="only"><input type="checkbox" id="only"> only what is not passed everywhere</label>
${transports.map((transport) => matrixOf(report, transport, titles))}</section>`;
}

function matrixOf(report: RunReport, transport: TransportKind, titles: ReadonlyMap<string, string>): Markup {
  const targets = report.targets.filter((target) => target.transport === transport);
  const names = new Set(targets.map(({ name }) => name));
  const sections = rowsBySection(report.results.filter(({ target }) => names.has(target)));
  return html`<div class="card matrix"><table>
<thead><tr><th scope="col">${transport === "usb" ? "USB direct-hash" : "Stratum"}</th>${targets.map(headCell)}</tr></thead>
<tbody>
${[...sections].map(([section, rows]) => [sectionRow(section, titles.get(section), rows, targets), rows.map((row) => caseRow(row, targets))])}
</tbody></table></div>
`;
}

function headCell({ name, transport }: TargetInfo): Markup {
  return html`<th scope="col">${name.replace(`-${transport}`, "").replaceAll("-", " ")}</th>`;
}

const isGood = ({ byTarget }: MatrixRow) =>
  [...byTarget.values()].every(({ verdict }) => verdict === "passed" || verdict === "not-applicable");

function sectionRow(
  section: string,
  title: string | undefined,
  rows: readonly MatrixRow[],
  targets: readonly TargetInfo[],
): Markup {
  return html`<tr class="section${rows.every(isGood) ? " good" : ""}"><th colspan="${targets.length + 1}" scope="colgroup">${section}${
    title === undefined ? null : html` <span class="soft">${title}</span>`
  }</th></tr>
`;
}

function caseRow(row: MatrixRow, targets: readonly TargetInfo[]): Markup {
  const { title, level, spec } = row.first;
  const further = spec.slice(1);
  return html`<tr${isGood(row) ? html` class="good"` : null}><th scope="row" class="case">${title}
<span class="chip ${level}">${level}</span>${further.map((one) => html` <span class="chip">${one}</span>`)}<code>${row.id}</code></th>${targets.map(
    ({ name }) => html`<td>${cell(row.byTarget.get(name))}</td>`,
  )}</tr>
`;
}

function cell(result: CaseResult | undefined): Markup | null {
  if (result === undefined) return null;
  const { verdict, reason, attempts, notes } = result;
  const ms = attempts.at(-1)?.durationMs;
  const words =
    verdict === "passed" && ms !== undefined
      ? durationText(ms)
      : verdict === "not-applicable"
        ? "n/a"
        : VERDICT_WORDS[verdict];
  const look = `${verdict} bg-${verdict}`;
  const inside = html`${icon(verdict)}<span>${words}</span>`;
  return attempts.some((attempt) => attempt.verdict === "failed")
    ? html`<a class="${look}" href="#${anchorOf(result)}">${inside}</a>`
    : html`<span class="cell ${look}" title="${[reason ?? VERDICT_WORDS[verdict], ...notes].join("; ")}">${inside}</span>`;
}
