/** Which targets ran, how far they conform, and which were not there. */
import type { AbsentTarget, RunReport, TargetInfo } from "../rig/report.ts";
import { LEVELS } from "../rig/select.ts";
import { type Conformance, conformanceOf } from "./conformance.ts";
import { html, type Markup } from "./markup.ts";

/** A longer note is no badge. */
const BADGE_CHARS = 50;

export function targetsPart(report: RunReport): Markup {
  const conformance = new Map(conformanceOf(report).map((one) => [one.target, one]));
  return html`<section id="targets"><h2>Targets</h2>
<div class="targets">
${report.targets.map((target) => targetCard(target, conformance.get(target.name), notesOf(report, target.name)))}
${report.absent.map(absentCard)}
</div>
<p class="soft small">Conforming: every MUST that applies held at the first attempt, and most apply. Not shown: some MUST was not run or is
 flaky, few apply, or cases were chosen.
 What a model or a recording of one shows, it shows of the host and of the shared device core, not of hardware.</p></section>`;
}

function notesOf({ results }: RunReport, name: string): string[] {
  return [...new Set(results.filter(({ target }) => target === name).flatMap(({ notes }) => notes))];
}

function targetCard(
  { name, identity }: TargetInfo,
  conformance: Conformance | undefined,
  notes: readonly string[],
): Markup {
  const { id, firmware, simulated, capabilities } = identity;
  const short = notes.filter((note) => note.length <= BADGE_CHARS);
  const badges = [...(simulated ? ["simulated"] : []), ...short];
  return html`<div class="card" id="target-${name}">
<h3><span>${name}</span>${badges.map((badge) => html`<span class="chip warn">${badge}</span>`)}</h3>
<p class="small"><code>${id}</code> · ${firmware}<br><span class="soft">${capabilities.join(", ")}</span></p>
${notes.filter((note) => !short.includes(note)).map((note) => html`<p class="soft small">${note}</p>`)}
${conformance === undefined ? null : scoreOf(conformance)}
</div>
`;
}

function scoreOf({ scores, conformity }: Conformance): Markup {
  const look = { conforming: "passed", "not shown": "flaky", "not conforming": "failed" }[conformity];
  const rows = LEVELS.filter((level) => scores[level].of > 0).map((level) => {
    const { held, of } = scores[level];
    const percent = Math.floor((held / of) * 100);
    return html`<span>${level}</span><div class="track"><i style="width:${percent}%"></i></div><span>${held} of ${of} · ${percent} %</span>`;
  });
  return html`<div class="small"><b class="${look}">${conformity}</b></div><div class="score">${rows}</div>`;
}

function absentCard({ name, code, message }: AbsentTarget): Markup {
  return html`<div class="card absent" id="target-${name}">
<h3><span class="soft">${name}</span><span class="chip">absent</span></h3>
<p class="small"><code>${code}</code><br>${message}</p>
</div>
`;
}
