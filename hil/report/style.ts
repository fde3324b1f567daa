/** The page's looks. Verdict colours are told apart in every common colour blindness, and each has a shape besides. */
import { Markup } from "./markup.ts";

const CSS = `
:root {
  color-scheme: light dark;
  --page: #f7f7f5; --card: #ffffff; --ink: #1c1f23; --soft: #5b636d; --line: #dcdfe3; --code: #f0f1f3; --bar: #44709d;
  --passed: #1668a8; --failed: #b8400a; --flaky: #8a6200; --missing: #5b636d; --not-applicable: #727b86;
  --passed-bg: #e3eef8; --failed-bg: #fbe3d6; --flaky-bg: #fbefc9; --missing-bg: #eceef0; --not-applicable-bg: transparent;
  --flaky-fill: #e0a800; --passed-fill: #3f8fce; --failed-fill: #d1500f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1c2024; --ink: #e6e8ea; --soft: #a0a9b3; --line: #343a41; --code: #262b30; --bar: #7fb0df;
    --passed: #79b8ee; --failed: #ff9a63; --flaky: #f0c64a; --missing: #a9b1ba; --not-applicable: #838c96;
    --passed-bg: #1b3247; --failed-bg: #4a2512; --flaky-bg: #40350f; --missing-bg: #2b3036;
    --flaky-fill: #d9a400; --passed-fill: #3d85c0; --failed-fill: #d8591c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 20px 20px 60px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; display: flex; align-items: center; gap: 10px; }
h2 { font-size: 19px; margin: 34px 0 10px; }
h3 { font-size: 15px; margin: 18px 0 6px; }
.card > h3:first-child { margin-top: 0; }
nav { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 13px; margin: 12px 0 0; color: var(--soft); }
p { margin: 6px 0; }
a { color: inherit; }
code, pre, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12.5px; }
pre { margin: 6px 0; padding: 8px 10px; background: var(--code); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.small { font-size: 13px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; margin: 10px 0; }
.sheet { position: absolute; }
.icon { width: 16px; height: 16px; vertical-align: -3px; flex: none; }
h1 .icon { width: 26px; height: 26px; }
.passed { color: var(--passed); } .failed { color: var(--failed); } .flaky { color: var(--flaky); }
.missing { color: var(--missing); } .not-applicable { color: var(--not-applicable); }
.chip { display: inline-block; padding: 0 7px; border-radius: 9px; border: 1px solid var(--line); font-size: 12px; line-height: 18px;
  color: var(--soft); white-space: nowrap; }
.chip.warn { border-color: var(--flaky); color: var(--flaky); }
.chip.MUST { border-color: var(--ink); color: var(--ink); }
.tally { display: flex; height: 14px; border-radius: 7px; overflow: hidden; margin: 14px 0 8px; gap: 2px; }
.tally i { display: block; min-width: 4px; }
.fill-passed { background: var(--passed-fill); fill: var(--passed-fill); }
.fill-failed { background: var(--failed-fill); fill: var(--failed-fill); }
.fill-flaky { background: var(--flaky-fill); fill: var(--flaky-fill); }
.fill-missing { background: repeating-linear-gradient(45deg, var(--missing) 0 3px, transparent 3px 6px); }
.fill-not-applicable { background: var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0; padding: 0; list-style: none; }
.legend b { font-variant-numeric: tabular-nums; }
.targets { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 10px; }
.targets .card { margin: 0; }
.targets .chip { white-space: normal; }
.targets h3 { margin: 0 0 4px; display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.score { display: grid; grid-template-columns: auto 1fr auto; gap: 2px 10px; align-items: center; margin-top: 8px; font-size: 13px; }
.score .track { height: 8px; border-radius: 4px; background: var(--line); overflow: hidden; }
.score .track i { display: block; height: 100%; background: var(--passed-fill); }
.score span { font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 6px 0; font-size: 13px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 5px 8px; border-top: 1px solid var(--line); }
thead th { border-top: 0; font-size: 13px; vertical-align: bottom; }
.matrix { padding: 4px 8px 8px; }
.matrix thead th { position: sticky; top: 0; background: var(--card); z-index: 1; box-shadow: 0 1px 0 var(--line); }
.matrix thead th:not(:first-child), .matrix td { width: 80px; text-align: center; }
.matrix td { padding: 5px 3px; }
.matrix td a, .matrix td span.cell { display: flex; flex-direction: column; align-items: center; gap: 1px; border-radius: 6px; padding: 5px 2px;
  text-decoration: none; font-size: 11.5px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.matrix td a { outline: 1px solid currentColor; outline-offset: -1px; }
.matrix .section th { background: var(--code); font-size: 13px; padding: 3px 8px; }
.matrix .case { font-weight: 400; }
.matrix .case code { color: var(--soft); display: block; overflow-wrap: anywhere; }
.bg-passed { background: var(--passed-bg); } .bg-failed { background: var(--failed-bg); } .bg-flaky { background: var(--flaky-bg); }
.bg-missing { background: var(--missing-bg); }
.only { display: inline-flex; gap: 6px; align-items: center; font-size: 13px; color: var(--soft); }
body:has(#only:checked) .matrix tr.good { display: none; }
.plot { position: relative; }
.plot svg { display: block; width: 100%; overflow: visible; }
.plot line { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.axis { position: relative; height: 18px; font-size: 11.5px; color: var(--soft); }
.axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; }
.axis span:first-child { transform: none; } .axis span:last-child { transform: translateX(-100%); }
.lane { display: grid; grid-template-columns: 118px 1fr; gap: 10px; align-items: center; }
.lane .plot { border-left: 1px solid var(--line); padding: 3px 0; }
.hist { display: grid; grid-template-columns: 118px 1fr; gap: 0 10px; align-items: end; padding-top: 8px; }
.hist .plot { border-bottom: 1px solid var(--soft); }
.hist .plot rect { fill: var(--bar); }
.hist .plot .p50 { stroke: var(--ink); } .hist .plot .p99 { stroke: var(--failed); stroke-dasharray: 3 3; }
.quantiles { grid-column: 2; display: flex; flex-wrap: wrap; gap: 0 14px; font-size: 12.5px; font-variant-numeric: tabular-nums; color: var(--soft);
  padding: 2px 0 4px; }
.quantiles b { color: var(--ink); font-weight: 600; }
.scroll { overflow-x: auto; }
.few { font-size: 13px; font-variant-numeric: tabular-nums; }
.few th { font-weight: 400; white-space: nowrap; } .few thead th { color: var(--soft); }
.failure { border-left: 4px solid var(--failed); }
.failure.flaky-case { border-left-color: var(--flaky-fill); }
.failure h3 { margin: 0 0 4px; color: var(--ink); }
details summary { cursor: pointer; padding: 4px 0; }
.frames { max-height: 440px; overflow: auto; display: flex; flex-direction: column-reverse; border: 1px solid var(--line); border-radius: 6px; }
.frames table { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; line-height: 1.4; }
.frames th, .frames td { padding: 2px 7px; }
.frames thead th { position: sticky; top: 0; background: var(--code); }
.frames td:nth-child(1) { text-align: right; white-space: nowrap; color: var(--soft); font-variant-numeric: tabular-nums; }
.frames td:nth-child(2), .frames td:nth-child(3) { white-space: nowrap; }
.frames td:nth-child(4) { overflow-wrap: anywhere; min-width: 180px; }
.frames tr.write td { background: color-mix(in srgb, var(--passed-bg) 45%, transparent); }
.frames tr.bad td { background: var(--flaky-bg); }
.frames tr.bad td:nth-child(3) { color: var(--flaky); font-weight: 600; }
/* As many targets as there are beside each other, their case above them. */
@media (max-width: 860px) {
  .matrix tr { display: flex; flex-wrap: wrap; align-items: stretch; }
  .matrix tr > * { flex: 1 1 0; min-width: 0; border: 0; }
  .matrix tr.section > *, .matrix tr > :first-child { flex-basis: 100%; }
  .matrix tr { border-top: 1px solid var(--line); }
  .matrix thead tr { position: sticky; top: 0; z-index: 1; background: var(--card); }
  .matrix thead th { position: static; box-shadow: none; font-size: 11.5px; line-height: 1.25; }
}
@media (max-width: 640px) {
  main { padding: 14px 12px 40px; }
  h1 { font-size: 22px; }
  .card { padding: 10px 12px; }
  .targets { grid-template-columns: 1fr; }
  .matrix { padding: 2px 0 4px; }
  .matrix th, .matrix td { padding-left: 5px; padding-right: 3px; }
  .matrix td a, .matrix td span.cell { font-size: 11px; white-space: nowrap; }
  .matrix .case { font-size: 13.5px; line-height: 1.35; }
  .lane, .hist { grid-template-columns: 1fr; gap: 0; }
  .quantiles { grid-column: 1; }
  .frames thead { display: none; }
  .frames tr { display: flex; flex-wrap: wrap; border-top: 1px solid var(--line); }
  .frames tr.write { background: color-mix(in srgb, var(--passed-bg) 45%, transparent); }
  .frames tr.bad { background: var(--flaky-bg); }
  .frames tr td { border: 0; background: none; }
  .frames td:nth-child(4) { flex-basis: 100%; min-width: 0; }
}
@media print { .frames { max-height: none; } body { background: #fff; } }
`;

export function styleSheet(): Markup {
  return new Markup(`<style>${CSS}</style>`);
}
