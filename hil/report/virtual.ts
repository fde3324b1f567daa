/** What the virtual-time tier found. */
import type { RunReport, VirtualTally } from "../rig/report.ts";
import { html, type Markup } from "./markup.ts";
import { durationText } from "./words.ts";

const NAMES = { usb: "serial line", stratum: "Stratum" } as const;

export function virtualPart({ virtual = [], virtualLeftOut }: RunReport): Markup | null {
  if (virtual.length === 0 && virtualLeftOut === undefined) return null;
  return html`<section id="virtual"><h2>Faults under virtual time <span class="chip warn">simulated</span></h2>
${virtual.map(tallyPart)}
${virtualLeftOut === undefined ? null : html`<div class="card"><p>Left out: ${virtualLeftOut}</p></div>`}</section>`;
}

function tallyPart(tally: VirtualTally): Markup {
  const { transport, scenarios, asked, seconds, counts, faults, failed, failures, fromSeed } = tally;
  const kinds = Object.entries(faults).sort(([, a], [, b]) => b - a);
  const most = kinds[0]?.[1] ?? 1;
  const rows = kinds.map(
    ([kind, count]) =>
      html`<span>${kind}</span><div class="track"><i style="width:${Math.ceil((count / most) * 100)}%"></i></div><span>${count}</span>`,
  );
  const did = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  return html`<div class="card"><p>${NAMES[transport]}: <b class="${failed === 0 ? "passed" : "failed"}">${scenarios - failed} of ${scenarios}</b> scenarios held${scenarios < asked ? `, of ${asked} asked for` : ""},
 seeds from ${fromSeed}, in ${durationText(seconds * 1000)}: ${did.join(", ")}.</p>
${failures.map(({ seed, findings, rerun }) => html`<p><b class="failed">seed ${seed}</b>: ${findings.join("; ")}</p><pre>${rerun}</pre>`)}
<details><summary>${kinds.length} kinds of faults</summary><div class="score">${rows}</div></details></div>`;
}
