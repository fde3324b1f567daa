/** What the virtual-time tier found. */
import type { RunReport } from "../rig/report.ts";
import { html, type Markup } from "./markup.ts";
import { durationText } from "./words.ts";

export function virtualPart({ virtual }: RunReport): Markup | null {
  if (virtual === undefined) return null;
  const { scenarios, seconds, calls, answered, faults, failed, failures, fromSeed } = virtual;
  const kinds = Object.entries(faults).sort(([, a], [, b]) => b - a);
  const most = kinds[0]?.[1] ?? 1;
  const rows = kinds.map(
    ([kind, count]) =>
      html`<span>${kind}</span><div class="track"><i style="width:${Math.ceil((count / most) * 100)}%"></i></div><span>${count}</span>`,
  );
  return html`<section id="virtual"><h2>Faults under virtual time <span class="chip warn">simulated</span></h2>
<div class="card"><p><b class="${failed === 0 ? "passed" : "failed"}">${scenarios - failed} of ${scenarios}</b> scenarios held,
 seeds from ${fromSeed}, in ${durationText(seconds * 1000)}: ${calls} calls, ${answered} answered, the others ended in a named error.</p>
${failures.map(({ seed, findings, rerun }) => html`<p><b class="failed">seed ${seed}</b>: ${findings.join("; ")}</p><pre>${rerun}</pre>`)}
<details><summary>${kinds.length} kinds of faults</summary><div class="score">${rows}</div></details></div></section>`;
}
