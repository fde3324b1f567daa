/**
 * `make bench`: speed and memory as ratios of one run, a table and `build/bench.json`, and the tables of whitepaper 7.1
 * and 7.3 as a page; `main.ts tables` measures those only, `main.ts store` what storing results costs,
 * `main.ts outbox` how fast they get to a broker.
 *
 * A figure is only as good as the machine was idle; each comparison takes its two sides in turn, and the median of
 * the rounds.
 */
import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { loadConfigured, threadsOf } from "../../host/appliance/model-slot.ts";
import { blockDigests, computeAttention } from "../../host/attention/attention.ts";
import { blocksOf } from "../../host/attention/blocks.ts";
import { firstBytes, MULTI_SCALE, multiScaleMap, singleScaleMap } from "../../host/attention/map.ts";
import { table } from "../../host/cli/output.ts";
import { loadConfig } from "../../host/config/load.ts";
import { startAppliance } from "../demo/appliance.ts";
import { FILMS, putIntoInbox } from "../demo/films.ts";
import { OutsideClient } from "../demo/outside-client.ts";
import { thisCommit } from "../reliability/record.ts";
import { BenchAppliance } from "./appliance.ts";
import type { BareFigures } from "./bare.ts";
import { deviceFigures } from "./device.ts";
import { FULL_FILMS, smallFiles } from "./files.ts";
import { residentMiB } from "./meter.ts";
import { outboxFigures } from "./outbox.ts";
import { pageOf } from "./page.ts";
import { sealFigures } from "./seal.ts";
import { storeFigures } from "./store.ts";
import { stratumFigures } from "./stratum.ts";
import { measureTables, type Tables } from "./tables.ts";
import { median, reportOf } from "./tools.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "build/bench");
const { values: options, positionals } = parseArgs({
  options: { quick: { type: "boolean" }, page: { type: "string", default: "build/throughput.md" } },
  allowPositionals: true,
});
const PARTS = ["all", "tables", "store", "outbox"];
const [PART = "all"] = positionals;
if (!PARTS.includes(PART)) throw new Error(`the bench has no part ${PART}; there are: ${PARTS.join(", ")}`);
/** `--quick` takes a tenth of the images. */
const SHARE = options.quick ? 0.1 : 1;
const ROUNDS = 3;
const AT_ONCE = 4;

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: string;
  readonly met: boolean | null;
  /** Of the model device. */
  readonly simulated?: true;
}

const figures: Figure[] = [];
const note = (words: string) => process.stderr.write(`${words}\n`);

function add(name: string, value: number, unit: string, target = "", met: boolean | null = null, simulated = false) {
  const flag = simulated ? { simulated } : {};
  figures.push({ name, value: Math.round(value * 1000) / 1000, unit, target, met, ...flag });
}

const config = loadConfig({ file: null, env: {}, cwd: FOLDER, installDir: ROOT }).config;
const threads = threadsOf(config.inference);
mkdirSync(FOLDER, { recursive: true });

async function pipelineAgainstBare(appliance: BenchAppliance, small: readonly Uint8Array[]): Promise<void> {
  const count = Math.round(800 * SHARE);
  const loaded = await loadConfigured(config);
  const pick = (files: readonly Uint8Array[]) => (index: number) => files[index % files.length] ?? new Uint8Array();
  appliance.answerFrom("attention");
  await appliance.process(small.length, AT_ONCE, pick(small));
  await appliance.process(FULL_FILMS.length, AT_ONCE, pick(FULL_FILMS));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const rates = { bare: [] as number[], small: [] as number[], full: [] as number[] };
  for (let round = 1; round <= ROUNDS; round++) {
    note(`bare and pipeline, round ${round} of ${ROUNDS} …`);
    const script = join(import.meta.dirname, "bare.ts");
    const { images, ms } = reportOf<BareFigures>(script, JSON.stringify(loaded), threads, count);
    rates.bare.push((images / ms) * 1000);
    delay.enable();
    rates.small.push((count / (await appliance.process(count, AT_ONCE, pick(small)))) * 1000);
    delay.disable();
    const films = Math.round(count / 4);
    rates.full.push((films / (await appliance.process(films, AT_ONCE, pick(FULL_FILMS)))) * 1000);
  }
  const ratios = rates.small.map((rate, round) => (rates.bare[round] ?? Number.NaN) / rate - 1);
  add(`bare session.run, ${threads} thread(s)`, median(rates.bare), "img/s");
  const rate = median(rates.small);
  add("whole pipeline, 224×224 files, cached attention", rate, "img/s", "≥ 80", rate >= 80);
  const overhead = median(ratios) * 100;
  add("pipeline overhead over bare", overhead, "%", "≤ 10", overhead <= 10);
  add("whole pipeline, full-resolution films", median(rates.full), "img/s");
  add(
    "event-loop delay p99 while inferring",
    delay.percentile(99) / 1e6,
    "ms",
    "< 20",
    delay.percentile(99) / 1e6 < 20,
  );
}

async function stagesOfFilms(appliance: BenchAppliance): Promise<void> {
  const stages = await Promise.all(FULL_FILMS.map((film) => appliance.images.rasteriser.rasterise(film)));
  add("film: decode, in the child", median(stages.map(({ decodeMs }) => decodeMs)), "ms");
  add("film: resample, in the child", median(stages.map(({ resampleMs }) => resampleMs)), "ms");
}

async function sameFileAgain(appliance: BenchAppliance): Promise<void> {
  note("the same file again …");
  const count = Math.round(20_000 * SHARE);
  const path = join(FOLDER, "again.jpeg");
  const [file] = await smallFiles(appliance.images.rasteriser, 1);
  writeFileSync(path, file ?? "");
  appliance.answerFrom("raster", "attention", "result");
  await appliance.process(1, 1, () => readFile(path));
  const rate = (count / (await appliance.process(count, 32, () => readFile(path)))) * 1000;
  add("same file again: read → cached → durable, in the outbox", rate, "img/s", "≥ 2,000", rate >= 2000);
  const film = FILMS[0]?.path ?? "";
  await appliance.process(1, 1, () => readFile(film));
  add(
    "the same for a full film",
    (count / 4 / (await appliance.process(count / 4, 32, () => readFile(film)))) * 1000,
    "img/s",
  );
}

/** The map alone, as the author's code makes it; then with the Merkle roots that commit to it, as every result has. */
async function attentionAgainstLoop(samples: Uint8Array): Promise<void> {
  note("attention …");
  const blocks = MULTI_SCALE.flatMap(({ block }) => blocksOf(samples, block));
  const times = { map: [] as number[], committed: [] as number[], loop: [] as number[] };
  const timed = async (into: number[], work: () => Promise<unknown> | unknown) => {
    const startedMs = performance.now();
    await work();
    into.push(performance.now() - startedMs);
  };
  for (let round = 0; round < 40; round++) {
    await timed(times.map, async () => {
      const maps = MULTI_SCALE.map(async ({ block, weight }) => {
        return { map: singleScaleMap(firstBytes(await blockDigests(samples, block)), block), weight };
      });
      multiScaleMap(await Promise.all(maps));
    });
    await timed(times.committed, () => computeAttention(samples, { scales: MULTI_SCALE, grids: [7] }));
    await timed(times.loop, () => {
      for (const block of blocks) hash("sha256", block, "buffer");
    });
  }
  const mapMs = median(times.map);
  add("multi-scale attention map, 4,116 digests", mapMs, "ms");
  add("plain loop of crypto.hash over the same blocks", median(times.loop), "ms");
  add("attention with the Merkle roots that commit to it", median(times.committed), "ms");
  const python = spawnSync("python3", [join(import.meta.dirname, "attention.py")], {
    input: samples,
    encoding: "utf8",
  });
  if (python.status !== 0) return;
  const pythonMs = Number(python.stdout);
  add("the map in Python with hashlib", pythonMs, "ms");
  add("the map, times faster than Python", pythonMs / mapMs, "×", "≥ 5", pythonMs / mapMs >= 5);
}

async function startToFirstResult(): Promise<void> {
  note("start to first result …");
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const folder = join(FOLDER, `start-${round}`);
    rmSync(folder, { recursive: true, force: true });
    const startedMs = performance.now();
    const appliance = await startAppliance(folder);
    for (const film of FILMS.slice(0, 1)) putIntoInbox(appliance.inbox, film);
    const client = await OutsideClient.open(appliance.url, appliance.prefix, 20_000);
    await client.until(
      "result",
      20_000,
      () => client.of("result").length > 0 || /"sequence":1[,}]/.test(appliance.log()),
    );
    times.push((performance.now() - startedMs) / 1000);
    await client.close();
    await appliance.stop();
  }
  add("start to first result", median(times), "s", "≤ 3", median(times) <= 3);
}

async function memory(appliance: BenchAppliance, small: readonly Uint8Array[]): Promise<void> {
  const total = Math.round(5000 * SHARE);
  note(`memory over ${total} images …`);
  appliance.answerFrom("attention");
  const resident: number[] = [];
  const steps = 20;
  for (let step = 0; step < steps; step++) {
    await appliance.process(total / steps, AT_ONCE, (index) => small[index % small.length] ?? new Uint8Array());
    resident.push(residentMiB([process.pid, ...appliance.children], "VmRSS"));
  }
  const early = median(resident.slice(steps / 5, (2 * steps) / 5));
  const late = median(resident.slice(-steps / 5));
  add("resident, all processes, at the end", late, "MiB");
  add(`growth of resident memory over ${total} images`, (late / early - 1) * 100, "%", "≤ 5", late / early <= 1.05);
}

async function everything(): Promise<void> {
  const appliance = new BenchAppliance(config, join(FOLDER, "data"));
  try {
    note("making files …");
    const small = await smallFiles(appliance.images.rasteriser, 200);
    await pipelineAgainstBare(appliance, small);
    await stagesOfFilms(appliance);
    await sameFileAgain(appliance);
    await attentionAgainstLoop(
      (await appliance.images.rasteriser.rasterise(small[0] ?? new Uint8Array())).raster.samples,
    );
    const films = await Promise.all(FULL_FILMS.map((film) => appliance.images.rasteriser.rasterise(film)));
    const program = join(ROOT, "build/firmware/lv06-model");
    await deviceFigures({ rasters: films.map(({ raster }) => raster.samples), program, share: SHARE, note, add });
    await sealFigures({ share: SHARE, note, add }, join(FOLDER, "seals"));
    stratumFigures({ share: SHARE, note, add });
    await storeFigures({ share: SHARE, note, add }, join(FOLDER, "store"));
    await outboxFigures({ share: SHARE, note, add }, join(FOLDER, "outbox"));
    await memory(appliance, small);
  } finally {
    await appliance.stop();
  }
  await startToFirstResult();
}

async function tables(): Promise<Tables> {
  const measured = await measureTables({ share: SHARE, note, add }, config, join(FOLDER, "tables"));
  writeFileSync(options.page, pageOf(measured));
  return measured;
}

if (PART === "all") await everything();
if (PART === "store") await storeFigures({ share: SHARE, note, add }, join(FOLDER, "store"));
if (PART === "outbox") await outboxFigures({ share: SHARE, note, add }, join(FOLDER, "outbox"));
const measured = PART === "all" || PART === "tables" ? await tables() : null;

const machine = {
  cpu: cpus()[0]?.model ?? "",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  threads,
};
const file = PART === "all" ? "build/bench.json" : `build/bench-${PART}.json`;
const document = { utc: new Date().toISOString(), commit: thisCommit(), machine, figures, tables: measured };
writeFileSync(join(ROOT, file), `${JSON.stringify(document, null, 2)}\n`);
const rows = figures.map(({ name, value, unit, target, met }) => [
  name,
  value.toFixed(2),
  unit,
  target,
  met === null ? "" : met ? "met" : "missed",
]);
process.stdout.write(`${table(["figure", "value", "unit", "target", ""], rows).join("\n")}\n`);
process.stdout.write(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${file}, ${options.page}\n`);
