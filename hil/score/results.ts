/** A score as a table for the terminal, and as a page. */
import { table } from "../../host/cli/output.ts";
import { BAR, cellOf, defectsOf, isGood, type Judged } from "./judge.ts";
import { KINDS, type Kind, PLACES } from "./mutant.ts";
import type { Score, Scored } from "./score.ts";

export interface Told {
  readonly command: string;
  readonly environment: Readonly<Record<string, string>>;
}

export function scoreTable(score: Score, judged: Judged): string[] {
  const rows = score.scored.map((one) => [
    one.mutant.id,
    verdictWords(one),
    ...KINDS.map((kind) => mark(one, kind)),
    finderOf(one),
    `${(one.ms / 1000).toFixed(1)}`,
  ]);
  return [
    ...table(["defect", "verdict", ...KINDS, "first found by", "s"], rows),
    "",
    ...judged.problems.map((problem) => `problem: ${problem}`),
    ...judged.remarks.map((remark) => `remark: ${remark}`),
    sumOf(judged),
  ];
}

function verdictWords({ mutant, verdict }: Scored): string {
  if (verdict !== "survived") return verdict;
  if (mutant.isControl) return "no defect";
  return mutant.survives === undefined ? verdict : "survived, explained";
}

function sumOf(judged: Judged): string {
  const { killed, planted, rate } = judged;
  return `${isGood(judged) ? "Passed" : "FAILED"}: ${killed} of ${planted} defects found, ${percent(rate)}; the bar is ${percent(BAR)}.`;
}

function percent(rate: number): string {
  return `${(Math.floor(rate * 1000) / 10).toFixed(1)} %`;
}

const MARKS = { found: "found", missed: "no", unreached: "·", "not-run": "" } as const;

function mark(one: Scored, kind: Kind): string {
  return MARKS[cellOf(one, kind).kind];
}

function finderOf({ trials }: Scored): string {
  const found = trials.find(({ trial }) => trial.found !== null)?.trial.found;
  return found === undefined || found === null ? "" : `${found.target}: ${found.by}`;
}

/** Markdown. */
export function scorePage(score: Score, judged: Judged, { command, environment }: Told): string {
  const { commit = "unknown", node = "", system = "", processor = "", memory = "" } = environment;
  return `${[
    "# The rig's own score",
    "",
    `Measured by \`${command}\` at commit ${commit}, ${Math.round(score.ms / 1000)} s, on ${processor}, ${memory}, ${system}, Node ${node}. Everything here ran on simulated devices and on recordings.`,
    "",
    `**${judged.killed} of ${judged.planted} planted defects were found, ${percent(judged.rate)}** (the bar is ${percent(BAR)}).`,
    "",
    ...placesOf(score),
    ...(score.all ? kindsOf(score) : []),
    ...survivorsOf(score),
    ...controlsOf(score),
    "## Each defect",
    "",
    "found · no: it ran and found nothing · –: it does not run what was changed · empty: not tried, for another had found it.",
    "",
    `| defect | what | ${KINDS.join(" | ")} | first found by |`,
    `|---|---|${KINDS.map(() => ":-:").join("|")}|---|`,
    ...defectsOf(score).map(rowOf),
  ].join("\n")}\n`;
}

function placesOf(score: Score): string[] {
  const rows = PLACES.map((where) => {
    const own = defectsOf(score).filter(({ mutant }) => mutant.where === where);
    return `| ${where} | ${own.length} | ${own.filter(({ verdict }) => verdict === "killed").length} |`;
  });
  return ["| planted in | defects | found |", "|---|---:|---:|", ...rows, ""];
}

const WHAT: Readonly<Record<Kind, string>> = {
  verify: "recordings, recomputed (`./hil/hil verify`)",
  replay: "recordings, played to the host",
  model: "C core behind a pseudo-terminal, simulated miners over TCP",
  virtual: "C core and host in one process, seeded faults under a virtual clock",
};

/** What each kind of target found of what it could find: the answer to whether replay proves itself only. */
function kindsOf(score: Score): string[] {
  const scored = defectsOf(score);
  const rows = KINDS.map((kind) => {
    const places = PLACES.map((where) =>
      countOf(
        scored.filter(({ mutant }) => mutant.where === where),
        kind,
      ),
    );
    return `| ${kind}: ${WHAT[kind]} | ${places.join(" | ")} | ${aloneCount(scored, kind)} |`;
  });
  return [
    "## Which kind of target finds what",
    "",
    "Found, of those whose code the kind runs at all. Replay runs no device, so it finds nothing in core or model; what",
    "it finds of the host it finds without one, in seconds.",
    "",
    `| kind | ${PLACES.join(" | ")} | found by no other kind |`,
    `|---|${PLACES.map(() => "---:").join("|")}|---:|`,
    ...rows,
    "",
  ];
}

function countOf(scored: readonly Scored[], kind: Kind): string {
  const cells = scored.map((one) => cellOf(one, kind).kind).filter((cell) => cell !== "unreached");
  return cells.length === 0 ? "–" : `${cells.filter((cell) => cell === "found").length} of ${cells.length}`;
}

function aloneCount(scored: readonly Scored[], kind: Kind): number {
  return scored.filter((one) => KINDS.every((each) => (cellOf(one, each).kind === "found") === (each === kind))).length;
}

function survivorsOf(score: Score): string[] {
  const alive = defectsOf(score).filter(({ verdict }) => verdict === "survived");
  if (alive.length === 0) return [];
  return [
    "## What survives",
    "",
    ...alive.map(({ mutant }) => `- \`${mutant.id}\` (${mutant.what}): ${mutant.survives ?? "not explained"}`),
    "",
  ];
}

/** What keeps the table honest. */
function controlsOf({ scored }: Score): string[] {
  const controls = scored.filter(({ mutant }) => mutant.isControl);
  if (controls.length === 0) return [];
  return [
    "## What is no defect",
    "",
    "Whatever found a defect was tried once more without it, at the same seed and beside the same load; what failed there",
    "as well did not count. Changed words, in the same program, must not be found by anything:",
    "",
    ...controls.map(({ mutant, verdict }) => `- \`${mutant.id}\`: ${verdict === "survived" ? "not found" : verdict}`),
    "",
  ];
}

const CELLS = { found: "found", missed: "no", unreached: "–", "not-run": "" } as const;

function rowOf(one: Scored): string {
  const cells = KINDS.map((kind) => CELLS[cellOf(one, kind).kind]);
  return `| \`${one.mutant.id}\` | ${one.mutant.what} | ${cells.join(" | ")} | ${finderOf(one)} |`;
}
