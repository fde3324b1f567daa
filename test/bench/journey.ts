/**
 * One configuration of whitepaper 7.1, in processes of its own: files through the appliance's image path, from their
 * bytes to the result that is durable. One JSON document on stdout.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { attentionOf } from "../../host/attention/attention.ts";
import { loadConfig } from "../../host/config/load.ts";
import { systemClock } from "../../host/device/clock.ts";
import { startModel } from "../../host/device/usb/model-process.ts";
import { openSerial } from "../../host/device/usb/serial-transport.ts";
import { UsbDevice } from "../../host/device/usb/usb-device.ts";
import { RASTER_SIZE, rasterDigest } from "../../host/raster/raster.ts";
import { BenchAppliance } from "./appliance.ts";
import { metered, residentMiB, type Taken } from "./meter.ts";

export interface JourneyTask {
  /** The model's folder. */
  readonly model: string;
  /** Emptied. */
  readonly folder: string;
  /** `device`: every digest from the model device, simulated, before the image goes its way. */
  readonly attention: "made" | "cached" | "device";
  /** Of the model device's line. */
  readonly baud?: number;
  /** Images under way at once. */
  readonly width: number;
  readonly runs: readonly { readonly files: readonly string[]; readonly count: number }[];
}

export interface JourneyFigures {
  readonly runs: readonly (Taken & { readonly latenciesMs: readonly number[] })[];
  /** The most that each process ever had, added up; the model device is none of them. */
  readonly peakMiB: number;
}

const ROOT = resolve(import.meta.dirname, "../..");
const task = JSON.parse(process.argv[2] ?? "") as JourneyTask;
const { config } = loadConfig({ file: null, env: {}, cwd: task.folder, installDir: ROOT });
const model = { ...config.model, dir: task.model };
const appliance = new BenchAppliance({ ...config, model }, join(task.folder, "data"));
const pids = () => [process.pid, ...appliance.children];

type Read = (index: number) => Promise<Uint8Array> | Uint8Array;

async function run(read: Read, count: number): Promise<JourneyFigures["runs"][number]> {
  const latenciesMs: number[] = [];
  const work = () => appliance.process(count, task.width, read, (latencyMs) => latenciesMs.push(latencyMs));
  return { ...(await metered(pids(), work)), latenciesMs };
}

/** As if the appliance had no digests of its own: the device's go into the cache, and the image finds them there. */
async function throughDevice(device: UsbDevice, files: readonly Uint8Array[]): Promise<Read> {
  const { attention } = await appliance.images.model.get();
  if (attention === null) throw new Error("the model takes no attention");
  const scales = attention.scales.map(({ block }) => block);
  const rasters = await Promise.all(
    files.map(async (file) => (await appliance.images.rasteriser.rasterise(file)).raster),
  );
  return async (index) => {
    const at = index % files.length;
    const raster = rasters[at] ?? { samples: new Uint8Array() };
    const image = { width: RASTER_SIZE, height: RASTER_SIZE, samples: raster.samples };
    const { digests } = await device.image(image, { scales, digestsOf: scales });
    const key = rasterDigest(raster);
    const { pyramid } = attentionOf(digests, attention);
    const own = appliance.memory.attention(key, attention);
    if (own === undefined || String(own.pyramid) !== String(pyramid)) throw new Error("the device's digests are wrong");
    appliance.memory.keepAttention(key, attention, { digest: own.digest, pyramid });
    return files[at] ?? new Uint8Array();
  };
}

async function withDevice<T>(baud: number, work: (device: UsbDevice) => Promise<T>): Promise<T> {
  const process = await startModel({ program: join(ROOT, "build/firmware/lv06-model"), baud });
  try {
    const line = await openSerial({ path: process.path, baud, clock: systemClock });
    const device = await UsbDevice.open(line, { clock: systemClock, random: Math.random, baud, quietMs: 10 });
    return await work(device).finally(() => device.close());
  } finally {
    await process.stop();
  }
}

try {
  const runs: JourneyFigures["runs"][number][] = [];
  for (const { files, count } of task.runs) {
    const bytes = files.map((path) => readFileSync(path));
    const read: Read = (index) => bytes[index % bytes.length] ?? new Uint8Array();
    // Warms up, and leaves every file's attention in the cache, which answers only where that is asked for.
    appliance.answerFrom();
    await appliance.process(bytes.length, task.width, read);
    if (task.attention !== "made") appliance.answerFrom("attention");
    const measured =
      task.attention === "device"
        ? await withDevice(task.baud ?? Number.NaN, async (device) => run(await throughDevice(device, bytes), count))
        : await run(read, count);
    runs.push(measured);
  }
  const figures: JourneyFigures = { runs, peakMiB: residentMiB(pids(), "VmHWM") };
  process.stdout.write(JSON.stringify(figures));
} finally {
  await appliance.stop();
}
