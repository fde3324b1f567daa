/** The top of the page: what the run was, what came of it, and what stopped it. */
import { type RunReport, VERDICTS } from "../rig/report.ts";
import { countVerdicts, hasPassed } from "../rig/verdict.ts";
import { isTime } from "./histogram.ts";
import { icon, VERDICT_WORDS } from "./icons.ts";
import { html, type Markup } from "./markup.ts";
import { counted, durationText, utcText } from "./words.ts";

export function headline(report: RunReport): string {
  const { failed, flaky } = countVerdicts(report.results);
  const words = [
    ...(failed > 0 ? [counted(failed, "case failed", "cases failed")] : []),
    ...(report.problems.length > 0 ? [counted(report.problems.length, "problem")] : []),
  ];
  if (words.length > 0) return `Failed: ${words.join(", ")}`;
  return flaky > 0 ? `Passed, ${flaky} flaky` : "Passed";
}

function partsOf({ results, virtual, virtualLeftOut }: RunReport): string[] {
  const latency = results.some(({ latencies }) => Object.values(latencies).some((all) => all.some(isTime)));
  const failures = results.some(({ verdict }) => verdict === "failed" || verdict === "flaky");
  const timeline = results.some(({ attempts }) => attempts.length > 0);
  return [
    ...(failures ? ["failures"] : []),
    ...["targets", "matrix"],
    ...(virtual === undefined && virtualLeftOut === undefined ? [] : ["virtual"]),
    ...(latency ? ["latency"] : []),
    ...(timeline ? ["timeline"] : []),
    "environment",
  ];
}

export function summary(report: RunReport): Markup {
  const { seed, startedUtcMs, durationMs, environment, targets } = report;
  const { commit } = environment;
  const verdict = hasPassed(report) ? "passed" : "failed";
  const isReal = targets.some(({ kind, identity }) => kind === "real" && !identity.simulated);
  return html`<header>
<h1 class="${verdict}">${icon(verdict)}<span>${headline(report)}</span></h1>
<p class="soft">Hardware-in-the-loop run of ${utcText(startedUtcMs)}, ${durationText(durationMs)}${commit === undefined ? null : html`, commit <code>${commit}</code>`},
 seed <code>${seed}</code>. ${isReal ? null : html`<span class="chip warn">no real device</span>`}</p>
${tally(report)}
<nav>${partsOf(report).map((part) => html`<a href="#${part}">${part}</a>`)}</nav>
${report.problems.map(({ code, message }) => html`<div class="card failure"><b class="failed">${code}</b> ${message}</div>`)}
</header>`;
}

function tally({ results }: RunReport): Markup {
  const counts = countVerdicts(results);
  const some = VERDICTS.filter((verdict) => counts[verdict] > 0);
  return html`<div class="tally" aria-hidden="true">${some.map((verdict) => html`<i class="fill-${verdict}" style="flex:${counts[verdict]}"></i>`)}</div>
<ul class="legend">${VERDICTS.map(
    (verdict) => html`<li class="${verdict}">${icon(verdict)} <b>${counts[verdict]}</b> ${VERDICT_WORDS[verdict]}</li>`,
  )}</ul>`;
}

export function environmentPart({ environment, seed }: RunReport): Markup {
  const rows = [...Object.entries(environment), ["seed", String(seed)] as const];
  return html`<section id="environment"><h2>Environment</h2>
<div class="card"><dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div></section>`;
}
