/** One page that needs nothing beside itself: no network, no script. */
import type { RunReport } from "../rig/report.ts";
import { failuresPart } from "./failures.ts";
import { iconSheet } from "./icons.ts";
import { latencyPart } from "./latency.ts";
import { html } from "./markup.ts";
import { matrixPart } from "./matrix.ts";
import { styleSheet } from "./style.ts";
import { environmentPart, headline, summary } from "./summary.ts";
import { targetsPart } from "./targets.ts";
import { timelinePart } from "./timeline.ts";
import { virtualPart } from "./virtual.ts";

/** @param titles paragraph → its title */
export function pageOf(report: RunReport, titles: ReadonlyMap<string, string> = new Map()): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>HIL: ${headline(report)}</title>
<link rel="icon" href="data:,">
${styleSheet()}
</head>
<body>
${iconSheet()}
<main>
${summary(report)}
${failuresPart(report)}
${targetsPart(report)}
${matrixPart(report, titles)}
${virtualPart(report)}
${latencyPart(report)}
${timelinePart(report)}
${environmentPart(report)}
<p class="soft small">Research use only. Times are of the machine that ran this, with its load.</p>
</main>
</body>
</html>
`.text;
}
