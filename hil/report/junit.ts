/** JUnit XML, as Jenkins' xunit schema (junit-10) has it; `flakyFailure` is Surefire's word for passed at a retry. */
import type { Attempt, CaseResult, RunReport, TargetInfo } from "../rig/report.ts";
import { countVerdicts } from "../rig/verdict.ts";
import { html, type Markup } from "./markup.ts";

/** One suite a target; what failed the run besides is an error in a suite of its own, so that no reader takes it for green. */
export function junitOf(report: RunReport): string {
  const suites = report.targets.map((target) => targetSuite(report, target));
  const { durationMs, results, problems } = report;
  const counts = countVerdicts(results);
  const head = html`<testsuites name="hil" time="${seconds(durationMs)}" tests="${results.length + problems.length}"
  failures="${counts.failed}" errors="${problems.length}">`;
  const all = html`${head}
${suites}${problems.length === 0 ? null : problemSuite(report)}</testsuites>
`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${all.text}`;
}

function targetSuite(report: RunReport, target: TargetInfo): Markup {
  const results = report.results.filter((result) => result.target === target.name);
  const counts = countVerdicts(results);
  const skipped = counts.missing + counts["not-applicable"];
  const took = results.flatMap(({ attempts }) => attempts).reduce((sum, { durationMs }) => sum + durationMs, 0);
  return html`  <testsuite name="hil.${target.name}" tests="${results.length}" failures="${counts.failed}" errors="0"
    skipped="${skipped}" time="${seconds(took)}" timestamp="${timestamp(report)}">
    <properties>
${propertiesOf(report, target).map(([name, value]) => html`      <property name="${name}" value="${value}"/>\n`)}    </properties>
${results.map((result) => testCase(result))}  </testsuite>
`;
}

function propertiesOf({ seed, environment }: RunReport, { kind, transport, identity }: TargetInfo): [string, string][] {
  const { id, firmware, simulated, capabilities } = identity;
  return [
    ["seed", String(seed)],
    ...Object.entries(environment),
    ["target.kind", kind],
    ["target.transport", transport],
    ["target.id", id],
    ["target.firmware", firmware],
    ["target.simulated", String(simulated)],
    ["target.capabilities", capabilities.join(" ")],
  ];
}

function testCase(result: CaseResult): Markup {
  const { id, target, attempts } = result;
  const time = seconds(attempts.at(-1)?.durationMs ?? 0);
  const head = html`    <testcase classname="hil.${target}" name="${id}" time="${time}"`;
  const body = bodyOf(result);
  return body.length === 0 ? html`${head}/>\n` : html`${head}>\n${body}    </testcase>\n`;
}

function bodyOf(result: CaseResult): Markup[] {
  const { verdict, reason, attempts } = result;
  switch (verdict) {
    case "passed":
      return [];
    case "not-applicable":
    case "missing":
      return [html`      <skipped type="${verdict}" message="${reason ?? ""}"/>\n`];
    case "flaky":
      return attempts
        .filter((attempt) => attempt.verdict === "failed")
        .map((attempt) => element("flakyFailure", result, attempt));
    case "failed":
      return attempts.map((attempt, index) => element(index === 0 ? "failure" : "rerunFailure", result, attempt));
  }
}

function element(name: string, { title, spec, level, rerun }: CaseResult, { code, message }: Attempt): Markup {
  const [open, close] = [html`<${name}`, html`</${name}>`];
  return html`      ${open} type="${code ?? "CaseFailure"}" message="${message ?? ""}">${level} ${spec.join(", ")}: ${title}
${rerun}${close}
`;
}

function problemSuite(report: RunReport): Markup {
  const { problems } = report;
  const cases = problems.map(
    ({ code, message }) => html`    <testcase classname="hil" name="${code}" time="0">
      <error type="${code}" message="${message}"/>
    </testcase>
`,
  );
  return html`  <testsuite name="hil" tests="${problems.length}" failures="0" errors="${problems.length}" skipped="0" time="0"
    timestamp="${timestamp(report)}">
${cases}  </testsuite>
`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function timestamp({ startedUtcMs }: RunReport): string {
  return new Date(startedUtcMs).toISOString().slice(0, 19);
}
