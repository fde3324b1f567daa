/** Whitepaper 7.1 and 7.3 in one run: its configurations in turn, several rounds, each in processes of its own. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { environmentOf } from "../../hil/cli/environment.ts";
import { findModel, modelParents } from "../../host/appliance/installed-models.ts";
import { loadConfigured, loadFolder, threadsOf } from "../../host/appliance/model-slot.ts";
import { openRasteriser } from "../../host/appliance/rasterise-once.ts";
import type { Config } from "../../host/config/schema.ts";
import { FILMS } from "../demo/films.ts";
import type { BareFigures } from "./bare.ts";
import { FULL_FILMS, smallFiles } from "./files.ts";
import type { JourneyFigures, JourneyTask } from "./journey.ts";
import type { Taken } from "./meter.ts";
import { type BenchTools, median, percentile, reportOf } from "./tools.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const BARE = join(import.meta.dirname, "bare.ts");
const JOURNEY = join(import.meta.dirname, "journey.ts");
const ROUNDS = 3;
const SMALL_FILES = 32;
const AT_ONCE = 4;
/** A UART's usual limit, and USB full speed: 1.216 MB/s at ten bits a byte. */
const UART = 921_600;
const USB = 12_160_000;

export const FILES = { films: "films, full resolution", small: "224×224 JPEG", rasters: "rasters" } as const;
export type FileKind = keyof typeof FILES;

export type ConfigurationId = "bare" | "plain" | "uart" | "usb" | "uncached" | "cached" | "async";

/** A configuration on one kind of files. */
export interface Row {
  readonly configuration: ConfigurationId;
  readonly files: FileKind;
  readonly images: number;
  readonly imagesPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Busy on average. */
  readonly cores: number;
  /** Of the configuration, whatever the files. */
  readonly peakMiB: number;
  readonly joulesPerImage: number | null;
  readonly watts: number | null;
}

export interface Tables {
  readonly utc: string;
  /** Machine, system and software, by name. */
  readonly environment: Readonly<Record<string, string>>;
  readonly cores: number;
  readonly raspberryPi: boolean;
  readonly threads: number;
  readonly model: string;
  /** Whose graph ran bare. */
  readonly bare: string;
  readonly rows: readonly Row[];
}

type Configuration = { readonly id: ConfigurationId; readonly counts: Partial<Record<FileKind, number>> } & Pick<
  JourneyTask,
  "attention" | "width" | "baud"
>;

/** Images a round. */
const BOTH = { films: 40, small: 60 };
const PLAIN: Configuration = { id: "plain", attention: "made", width: 1, counts: BOTH };
const HYBRID: readonly Configuration[] = [
  { id: "uart", attention: "device", baud: UART, width: 1, counts: { films: 1 } },
  { id: "usb", attention: "device", baud: USB, width: 1, counts: { films: 8 } },
  { id: "uncached", attention: "made", width: 1, counts: BOTH },
  { id: "cached", attention: "cached", width: 1, counts: BOTH },
  { id: "async", attention: "cached", width: AT_ONCE, counts: BOTH },
];

interface Subject {
  readonly configuration: Configuration;
  readonly model: string;
}

interface Sample extends Taken {
  readonly configuration: ConfigurationId;
  readonly files: FileKind;
  readonly latenciesMs: readonly number[];
  readonly peakMiB: number;
}

/** @param folder files and databases go there */
export async function measureTables({ note, add, share }: BenchTools, config: Config, folder: string): Promise<Tables> {
  const environment = environmentOf({});
  const hybrid = await loadConfigured(config);
  if (hybrid.attention === null) throw new Error(`${hybrid.manifest.name} takes no attention: no hybrid to measure`);
  const plainFolder = await findModel("kermany-plain", modelParents(config, ROOT)).catch(() => undefined);
  const bare = plainFolder === undefined ? hybrid : await loadFolder(plainFolder);
  const threads = threadsOf(config.inference);
  note("7.1 and 7.3: making files …");
  const files = await makeFiles(config, folder);
  const subjects: Subject[] = [
    ...(plainFolder === undefined ? [] : [{ configuration: PLAIN, model: plainFolder }]),
    ...HYBRID.map((configuration) => ({ configuration, model: config.model.dir })),
  ];
  const samples: Sample[] = [];
  const rounds = share < 1 ? 1 : ROUNDS;
  for (let round = 1; round <= rounds; round++) {
    note(`7.1 and 7.3: round ${round} of ${rounds} …`);
    samples.push(bareSample(JSON.stringify(bare), threads, Math.ceil(BOTH.small * share), files.rasters));
    for (const subject of subjects) samples.push(...journeys(subject, files, folder, share));
  }
  const rows = rowsOf(samples);
  for (const { configuration, files, imagesPerSecond } of rows) {
    const simulated = configuration === "usb" || configuration === "uart";
    const name = `7.1 ${configuration}${simulated ? " (simulated)" : ""}, ${FILES[files]}`;
    add(name, imagesPerSecond, "img/s", "", null, simulated);
  }
  return {
    ...{ utc: new Date().toISOString(), environment, cores: availableParallelism(), threads, rows },
    raspberryPi: /Raspberry Pi/.test(boardName()),
    model: `${hybrid.manifest.name} ${hybrid.manifest.version}, pattern ${hybrid.manifest.pattern}, ${hybrid.precision}`,
    bare: `${bare.manifest.name}${bare.attention === null ? "" : ", its maps ready beforehand"}`,
  };
}

interface Files extends Record<"films" | "small", readonly string[]> {
  /** One file of all films' rasters. */
  readonly rasters: string;
}

async function makeFiles(config: Config, folder: string): Promise<Files> {
  mkdirSync(folder, { recursive: true });
  const rasteriser = openRasteriser(config);
  try {
    const small = await smallFiles(rasteriser, SMALL_FILES);
    const films = await Promise.all(FULL_FILMS.map((film) => rasteriser.rasterise(film)));
    const write = (name: string, bytes: Uint8Array) => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return path;
    };
    return {
      films: FILMS.map(({ path }) => path),
      small: small.map((bytes, index) => write(`${index}.jpeg`, bytes)),
      rasters: write("rasters", Buffer.concat(films.map(({ raster }) => raster.samples))),
    };
  } finally {
    await rasteriser.stop();
  }
}

function bareSample(model: string, threads: number, count: number, rasters: string): Sample {
  return { configuration: "bare", files: "rasters", ...reportOf<BareFigures>(BARE, model, threads, count, rasters) };
}

function journeys({ configuration, model }: Subject, files: Files, folder: string, share: number): Sample[] {
  const { id, counts, ...how } = configuration;
  const kinds = (["films", "small"] as const).filter((kind) => counts[kind] !== undefined);
  const runs = kinds.map((kind) => ({ files: files[kind], count: Math.ceil((counts[kind] ?? 0) * share) }));
  const task: JourneyTask = { ...how, model, folder, runs };
  const { runs: taken, peakMiB } = reportOf<JourneyFigures>(JOURNEY, JSON.stringify(task));
  return taken.map((run, index) => ({ configuration: id, files: kinds[index] ?? "films", ...run, peakMiB }));
}

/** One row for all rounds of a configuration and its files, in the order in which they came. */
function rowsOf(samples: readonly Sample[]): Row[] {
  const groups = Map.groupBy(samples, ({ configuration, files }) => `${configuration} ${files}`);
  return [...groups.values()].map(rowOf);
}

function rowOf(samples: readonly Sample[]): Row {
  const sum = (of: (sample: Sample) => number) => samples.reduce((total, sample) => total + of(sample), 0);
  const [first] = samples;
  const latenciesMs = samples.flatMap((sample) => sample.latenciesMs);
  const ms = sum((sample) => sample.ms);
  const known = samples.every(({ joules }) => joules !== null);
  const joules = known ? sum((sample) => sample.joules ?? 0) : null;
  return {
    configuration: first?.configuration ?? "bare",
    files: first?.files ?? "rasters",
    images: latenciesMs.length,
    imagesPerSecond: (latenciesMs.length / ms) * 1000,
    p50Ms: median(latenciesMs),
    p95Ms: percentile(latenciesMs, 0.95),
    cores: sum(({ cpuMs }) => cpuMs) / ms,
    peakMiB: Math.max(...samples.map((sample) => sample.peakMiB)),
    joulesPerImage: joules === null ? null : joules / latenciesMs.length,
    watts: joules === null ? null : joules / (ms / 1000),
  };
}

/** Empty where the system has no device tree. */
function boardName(): string {
  try {
    return readFileSync("/proc/device-tree/model", "utf8");
  } catch {
    return "";
  }
}
