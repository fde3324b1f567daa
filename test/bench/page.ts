/** The measured tables of whitepaper 7.1 and 7.3 as a page, beside what the whitepaper says. Pure. */
import { type ConfigurationId, FILES, type FileKind, type Row, type Tables } from "./tables.ts";

export const NO_COUNTER = "unmeasured: no energy counter here";
export const NO_HARDWARE = "unmeasured: no hardware";

interface Line {
  readonly name: string;
  /** Images/s and ms of the whitepaper. */
  readonly claim: readonly [rate: string, latency: string];
  /** What was measured for it, or why nothing was. */
  readonly measured: ConfigurationId | { readonly not: string };
}

const NONE = ["–", "–"] as const;
const ASIC = ["2–5", "200–500"] as const;
const CPU = ["10–20", "50–100"] as const;

const linesOf = ({ rows, raspberryPi }: Tables): readonly Line[] => [
  { name: "CNN only (GPU)", claim: ["100+", "10"], measured: { not: "unmeasured: no GPU is used" } },
  { name: "CNN only (CPU): bare `session.run`", claim: CPU, measured: "bare" },
  {
    name: "CNN only (CPU): whole path of `kermany-plain`",
    claim: CPU,
    measured: rows.some(({ configuration }) => configuration === "plain")
      ? "plain"
      : { not: "unmeasured: the model is not installed" },
  },
  {
    name: "Hybrid (ASIC, no cache): digests from a BM1366",
    claim: ASIC,
    measured: { not: "impossible: [the chip returns no digests](decisions/0009-the-asic-does-not-hash-blocks.md)" },
  },
  { name: "Hybrid, no cache: digests from the model device (simulated), 921,600 baud", claim: ASIC, measured: "uart" },
  {
    name: "Hybrid, no cache: digests from the model device (simulated), USB at 1.216 MB/s",
    claim: ASIC,
    measured: "usb",
  },
  { name: "Hybrid, no cache: digests from this CPU, one at a time", claim: NONE, measured: "uncached" },
  { name: "Hybrid (cached), one at a time", claim: ["50+", "20"], measured: "cached" },
  { name: "Hybrid (async + cache), 4 under way", claim: ["80+", "12"], measured: "async" },
  {
    name: "any of these on a Raspberry Pi",
    claim: NONE,
    measured: { not: raspberryPi ? "the rows above: this machine is one" : "unmeasured" },
  },
];

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The same for the same tables, whatever the day or the machine. */
export function pageOf(tables: Tables): string {
  const { utc, environment, cores, threads, model, bare } = tables;
  const run = [
    ...Object.entries(environment),
    ["date", utc.slice(0, 10)],
    ["model", `${model}, ${threads} thread(s) an inference`],
    ["bare `session.run`", bare],
  ];
  return `# Throughput and resources, measured

Whitepaper 7.1 and 7.3 beside one run, made by \`make bench BENCH=tables TABLES=docs/throughput.md\` and not edited. Run
it on your own machine. No LV06 and no GPU took part; what is called simulated is the C device core behind a
pseudo-terminal that moves bytes at the given rate, on this CPU.

${markdown(["this run", ""], run)}

## 7.1 Throughput

${markdown(["configuration", "whitepaper, img/s", "ms", "files", "img/s", "p50, ms", "p95, ms", "images"], throughput(tables))}

From a file's bytes to the result that is stored durably with its outbox message: decoding, raster, quality gate,
attention, inference, signature. Bare \`session.run\` starts at the raster and ends at the logit. With 4 under way a
latency includes the wait for its turn. Cached means the attention: every image is decoded and inferred. The device's
rows ask it for all digests of every scale before the image goes its way. Files: the 8 chest X-rays of \`test/films\`,
and JPEGs of 224×224 pixels made from them; rasters are those films decoded beforehand.

## 7.3 Resources

${markdown(
  [
    "configuration",
    "files",
    "CPU, cores busy",
    `of ${cores} cores`,
    "peak memory, MiB",
    "CPU packages, J an image",
    "LV06, W",
  ],
  resources(tables),
)}

CPU and memory are of the appliance's three processes (main, decoder, model), or of the one that runs bare; peaks of the
processes are added up, start included. Joules are of the whole CPU packages, idle and other programs with them (RAPL).
The databases are new and small, and no subscriber is connected.

${markdown(["resource", "whitepaper: CNN only → hybrid", "here"], comparison(tables))}

Here: the whole path of the plain CNN, or bare \`session.run\` where that model is not installed, → the hybrid, async +
cache, on 224×224 files.
`;
}

function rowsOf({ rows }: Tables, { measured }: Line): readonly Row[] {
  return typeof measured === "string" ? rows.filter(({ configuration }) => configuration === measured) : [];
}

function throughput(tables: Tables): string[][] {
  return linesOf(tables).flatMap((line) => {
    const { name, claim, measured } = line;
    if (typeof measured !== "string") return [[name, ...claim, "–", measured.not, "–", "–", "–"]];
    return rowsOf(tables, line).map(({ files, imagesPerSecond, p50Ms, p95Ms, images }) => {
      const figures = [imagesPerSecond, p50Ms, p95Ms].map((value) => value.toFixed(1));
      return [name, ...claim, FILES[files], ...figures, String(images)];
    });
  });
}

function resources(tables: Tables): string[][] {
  return linesOf(tables).flatMap((line) =>
    rowsOf(tables, line).map(({ configuration, files, cores, peakMiB, joulesPerImage }) => [
      line.name,
      FILES[files],
      cores.toFixed(2),
      percentOf(cores, tables),
      peakMiB.toFixed(0),
      joulesPerImage === null ? NO_COUNTER : joulesPerImage.toFixed(3),
      configuration === "bare" || configuration === "plain" ? "none takes part" : NO_HARDWARE,
    ]),
  );
}

const percentOf = (busy: number, { cores }: Tables) => `${((busy / cores) * 100).toFixed(0)} %`;

/** The whitepaper's own table: its hybrid is the cached one that runs asynchronously. */
function comparison(tables: Tables): string[][] {
  const find = (configuration: ConfigurationId, files: FileKind) =>
    tables.rows.find((row) => row.configuration === configuration && row.files === files);
  const cnn = find("plain", "small") ?? find("bare", "rasters");
  const hybrid = find("async", "small");
  const both = (of: (row: Row) => string | null, otherwise = "unmeasured") => {
    const [from, to] = [cnn, hybrid].map((row) => (row === undefined ? null : of(row)));
    return from === null || to === null ? otherwise : `${from} → ${to}`;
  };
  const memory = both(({ peakMiB }) => `${peakMiB.toFixed(0)} MiB`);
  const watts = both(({ watts }) => (watts === null ? null : `${watts.toFixed(1)} W`), NO_COUNTER);
  const total = watts === NO_COUNTER ? watts : `${watts} of the CPU packages alone; with an LV06: ${NO_HARDWARE}`;
  return [
    ["GPU memory", "2.1 → 2.3 GB", `no GPU is used; peak memory ${memory}`],
    ["CPU usage", "30 → 35 %", both(({ cores }) => percentOf(cores, tables))],
    ["ASIC power", "0 → 3.5 W", NO_HARDWARE],
    ["total power", "250 → 253.5 W", total],
  ];
}
