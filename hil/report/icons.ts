/** Verdicts as shapes and words, so that colour is never the only sign. */
import { VERDICTS, type Verdict } from "../rig/report.ts";
import { html, type Markup } from "./markup.ts";

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  passed: "passed",
  failed: "failed",
  flaky: "flaky",
  "not-applicable": "does not apply",
  missing: "missing",
};

/** Drawn in a square of 16, in the colour of the text around it. */
const SHAPES: Readonly<Record<Verdict, Markup>> = {
  passed: html`<path d="M3 8.5 6.6 12 13 4.5" fill="none" stroke="currentColor" stroke-width="2.2"/>`,
  failed: html`<path d="M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5" fill="none" stroke="currentColor" stroke-width="2.4"/>`,
  flaky: html`<path d="M1.5 9.5C4 2.5 6.5 4 8 8s4 5.5 6.5-1.5" fill="none" stroke="currentColor" stroke-width="2.2"/>`,
  "not-applicable": html`<path d="M4.5 8h7" fill="none" stroke="currentColor" stroke-width="1.6"/>`,
  missing: html`<circle cx="8" cy="8" r="4.6" fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="2.4 2.4"/>`,
};

/** Once a page. */
export function iconSheet(): Markup {
  const symbols = VERDICTS.map(
    (verdict) => html`<symbol id="v-${verdict}" viewBox="0 0 16 16">${SHAPES[verdict]}</symbol>`,
  );
  return html`<svg width="0" height="0" class="sheet" aria-hidden="true">${symbols}</svg>`;
}

export function icon(verdict: Verdict): Markup {
  return html`<svg class="icon" role="img" aria-label="${VERDICT_WORDS[verdict]}"><use href="#v-${verdict}"/></svg>`;
}
