/** When each attempt ran, one lane a target: what ran side by side, and what took the time. */
import type { RunReport } from "../rig/report.ts";
import { html, type Markup } from "./markup.ts";
import { durationText } from "./words.ts";

const [WIDTH, HEIGHT] = [1000, 22];
const TICKS = 4;

export function timelinePart({ targets, results, durationMs }: RunReport): Markup | null {
  const attempts = results.flatMap(({ id, target, verdict, attempts: own }) =>
    own.map((attempt, index) => ({
      ...attempt,
      id,
      target,
      look: attempt.verdict === "passed" ? verdict : "failed",
      index,
    })),
  );
  if (attempts.length === 0 || durationMs <= 0) return null;
  const x = (ms: number) => (Math.min(ms / durationMs, 1) * WIDTH).toFixed(1);
  const lanes = targets.map(({ name }) => {
    const own = attempts.filter(({ target }) => target === name);
    const bars = own.map(({ id, startedMs, durationMs: took, look, index }) => {
      const width = Math.max(1, (took / durationMs) * WIDTH - 0.5).toFixed(1);
      const title = `${id}, ${index === 0 ? "" : `attempt ${index + 1}, `}${durationText(took)}`;
      return html`<rect class="fill-${look}" x="${x(startedMs)}" width="${width}" height="${HEIGHT}"><title>${title}</title></rect>`;
    });
    return html`<div class="lane"><b class="small">${name}</b><div class="plot"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" height="${HEIGHT}"
 preserveAspectRatio="none" role="img" aria-label="${name}: ${own.length} attempts">${bars}</svg></div></div>
`;
  });
  const ticks = Array.from({ length: TICKS + 1 }, (_, index) => {
    const share = index / TICKS;
    return html`<span style="left:${share * 100}%">${index === 0 ? "0" : durationText(durationMs * share)}</span>`;
  });
  return html`<section id="timeline"><h2>Timeline</h2>
<div class="card">${lanes}<div class="lane"><span></span><div class="axis">${ticks}</div></div></div></section>`;
}
