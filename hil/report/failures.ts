/** What went wrong, each with what a person needs to look further: paragraph, words, frames, and a line to run it again. */
import type { TransportKind } from "../rig/bench.ts";
import type { Attempt, CaseResult, RunReport } from "../rig/report.ts";
import { linesOf, type ShownLine } from "./frames.ts";
import { icon } from "./icons.ts";
import { html, type Markup } from "./markup.ts";
import { anchorOf } from "./matrix.ts";
import { counted, durationText } from "./words.ts";

export function failuresPart(report: RunReport): Markup | null {
  const transports = new Map(report.targets.map(({ name, transport }) => [name, transport]));
  const bad = report.results.filter(({ verdict }) => verdict === "failed" || verdict === "flaky");
  if (bad.length === 0) return null;
  const failedFirst = bad.sort((a, b) => a.verdict.localeCompare(b.verdict));
  return html`<section id="failures"><h2>What did not pass</h2>
${failedFirst.map((result) => failure(result, transports.get(result.target) ?? "usb", report))}</section>`;
}

function failure(result: CaseResult, transport: TransportKind, { environment, seed }: RunReport): Markup {
  const { id, title, level, spec, target, verdict, attempts, rerun, notes } = result;
  const failed = attempts.filter((attempt) => attempt.verdict === "failed");
  const alike = new Set(failed.map(({ code, message }) => `${code} ${message}`)).size === 1;
  return html`<article class="card failure${verdict === "flaky" ? " flaky-case" : ""}" id="${anchorOf(result)}">
<h3><span class="${verdict}">${icon(verdict)} ${verdict}</span> on ${target}: <code>${id}</code></h3>
<p>${title} <span class="chip ${level}">${level}</span> ${spec.map((one) => html`<span class="chip">${one}</span> `)}${notes.map(
    (note) => html`<span class="chip warn">${note}</span> `,
  )}</p>
${alike && verdict === "failed" ? saidOf(failed.slice(-1), true) : saidOf(failed, false)}
<pre>${rerun}</pre>
<p class="soft small">Seed ${result.seed ?? seed}, commit ${environment.commit ?? "unknown"}. ${
    verdict === "flaky" ? "It passed at the second attempt, on a fresh bench." : null
  }</p>
${framesOf(failed.at(-1), transport)}</article>
`;
}

function saidOf(failed: readonly Attempt[], both: boolean): Markup[] {
  return failed.map(
    ({ code, message, durationMs }, index) => html`<p>${
      both ? "Both attempts, the last in" : `Attempt ${index + 1},`
    } ${durationText(durationMs)}: <b>${message ?? "no words"}</b>${code === null ? null : html` <code>${code}</code>`}</p>
`,
  );
}

function framesOf(attempt: Attempt | undefined, transport: TransportKind): Markup {
  const lines = linesOf(transport, attempt?.last ?? []);
  if (lines.length === 0) return html`<p class="soft small">Nothing went over the line.</p>`;
  return html`<details${lines.length <= 12 ? html` open` : null}><summary>The last ${counted(lines.length, "line")} on the wire</summary>
<div class="frames" tabindex="0"><table>
<thead><tr><th>time</th><th></th><th>verb</th><th>line</th></tr></thead>
<tbody>
${lines.map(frameRow)}</tbody></table></div></details>`;
}

function frameRow({ atUs, direction, verb, text, bad }: ShownLine): Markup {
  return html`<tr class="${direction}${bad ? " bad" : ""}"><td>${(atUs / 1000).toFixed(3)} ms</td><td>${
    direction === "write" ? "host →" : "← device"
  }</td><td>${verb}</td><td>${text}</td></tr>
`;
}
