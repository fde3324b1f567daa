/** Writes docs/evidence/reliability.md from the runs in docs/evidence/reliability; a test holds it to be current. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type PieceRecord, readRecord, type SectionRecord } from "../test/reliability/record.ts";
import { SECTIONS } from "../test/reliability/sections.ts";

const ROOT = resolve(import.meta.dirname, "..");
export const REPORT = join(ROOT, "docs/evidence/reliability.md");
const RUNS = join(ROOT, "docs/evidence/reliability");
const SPEED = join(ROOT, "docs/evidence/speed");

const HEAD = `# Reliability

Made by \`scripts/reliability-report.ts\` from the runs in \`docs/evidence/reliability\`; do not edit. Each was
\`make soak SOAK=SECTION\` against the real \`./lv06 run\` process, a real Mosquitto and, but where it says so, a stand-in
model; the observer is the documented subscriber ([examples/subscriber](../../examples/subscriber)). The device is the model
device, simulated: no hardware took part.

At the end of every piece all that was put in is held against what is stored and what arrived: results lost, results
twice after redeliveries are dropped by id, gaps and order of the numbers, messages that differ from what is stored,
SQLite's integrity check, the ledger against every seal that the subscriber saw and retention did not remove, files left
half done. Each is a finding.
`;

/** What `make bench BENCH=store` and `BENCH=outbox` leave in `build`, as far as it is shown. */
export interface SpeedRecord {
  readonly utc: string;
  readonly commit: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly figures: readonly {
    readonly name: string;
    readonly value: number;
    readonly unit: string;
    readonly target: string;
    readonly met: boolean | null;
  }[];
}

export function reliabilityReport(
  records: readonly SectionRecord[] = readRuns(),
  speed: readonly SpeedRecord[] = readSpeed(),
): string {
  const missing = SECTIONS.filter(({ name }) => !records.some(({ section }) => section === name));
  const notYet = missing.map(({ name, title }) => `- \`${name}\`: ${title}`);
  return [
    HEAD,
    ...(records.length === 0 ? [] : [table(records)]),
    ...records.map(chapter),
    ...(speed.length === 0 ? [] : [speedChapter(speed)]),
    ...(missing.length === 0 ? [] : [`## Not run yet\n\n${notYet.join("\n")}\n`]),
  ].join("\n");
}

/** In the order in which the sections run. */
function readRuns(): SectionRecord[] {
  if (!existsSync(RUNS)) return [];
  const records = readdirSync(RUNS)
    .filter((name) => name.endsWith(".json"))
    .map((name) => readRecord(join(RUNS, name)))
    .filter((record) => record !== undefined);
  const place = ({ section }: SectionRecord) => SECTIONS.findIndex(({ name }) => name === section);
  return records.sort((a, b) => place(a) - place(b));
}

function readSpeed(): SpeedRecord[] {
  return ["bench-store.json", "bench-outbox.json"]
    .map((name) => join(SPEED, name))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, "utf8")) as SpeedRecord);
}

function speedChapter(records: readonly SpeedRecord[]): string {
  const head =
    "`make bench BENCH=store` and `make bench BENCH=outbox`, with the records in `docs/evidence/speed`. The outbox is emptied\n" +
    "over one connection that stands already, to a broker that nobody is subscribed at.";
  const parts = records.map(({ utc, commit, machine, figures }) => {
    const rows = figures.map(({ name, value, unit, target, met }) => {
      return [
        name.trim(),
        `${value.toLocaleString("en")} ${unit}`,
        target,
        met === null ? "" : met ? "met" : "not met",
      ];
    });
    const where = `${utc.slice(0, 10)}, commit ${commit}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}.`;
    return `${where}\n\n${lines([["figure", "measured", "goal", ""], ["---", "--:", "---", "---"], ...rows])}`;
  });
  return ["## Speed\n", `${head}\n`, ...parts].join("\n");
}

function table(records: readonly SectionRecord[]): string {
  const rows = records.map(({ section, pieces, of }) => {
    const findings = pieces.reduce((sum, piece) => sum + piece.findings.length, 0);
    const whole = pieces.length === of ? "" : `, ${pieces.length} of ${of} pieces`;
    return [`\`${section}\``, `${hours(total(pieces))}${whole}`, String(findings)];
  });
  return lines([["section", "time", "findings"], ["---", "---", "---"], ...rows]);
}

function chapter(record: SectionRecord): string {
  const { section, title, machine, pieces } = record;
  const commits = [...new Set(pieces.map(({ commit }) => commit))].join(", ");
  const dates = [...new Set(pieces.map(({ startedUtc }) => startedUtc.slice(0, 10)))].join(", ");
  const rows = merged(pieces).map(({ name, seed, seconds, counts, findings }) => {
    const figures = Object.entries(counts).map(([what, count]) => `${what.trim()}: ${count.toLocaleString("en")}`);
    return [name, seed, hours(seconds), figures.join("<br>"), String(findings.length)];
  });
  const findings = pieces.flatMap((piece) => piece.findings).map((words) => `- ${words}`);
  return [
    `## ${section}`,
    "",
    title,
    "",
    `${dates}, commit ${commits}, ${machine.cores} cores of ${machine.cpu} (${machine.arch}), Node ${machine.node}.`,
    "",
    lines([["piece", "seed", "time", "figures", "findings"], ["---", "---", "--:", "---", "--:"], ...rows]),
    ...(findings.length === 0 ? [] : [findings.join("\n"), ""]),
  ].join("\n");
}

interface Merged extends Pick<PieceRecord, "name" | "seconds" | "counts" | "findings"> {
  readonly seed: string;
}

/** Pieces of one name are one thing in parts: their figures add up. */
function merged(pieces: readonly PieceRecord[]): Merged[] {
  const names = [...new Set(pieces.map(({ name }) => name))];
  return names.map((name) => {
    const parts = pieces.filter((piece) => piece.name === name);
    const [first, last] = [parts[0]?.seed, parts.at(-1)?.seed];
    return {
      name,
      seed: first === last ? String(first) : `${first} to ${last}`,
      seconds: total(parts),
      counts: added(parts.map(({ counts }) => counts)),
      findings: parts.flatMap(({ findings }) => findings),
    };
  });
}

function added(all: readonly PieceRecord["counts"][]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const counts of all) for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count;
  return sums;
}

const total = (pieces: readonly PieceRecord[]) => pieces.reduce((sum, { seconds }) => sum + seconds, 0);
const lines = (rows: readonly (readonly string[])[]) =>
  `${rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`;

function hours(seconds: number): string {
  return seconds < 120
    ? `${seconds} s`
    : seconds < 7200
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(REPORT, reliabilityReport());
