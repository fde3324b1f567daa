/**
 * The device over a serial line: bytes on the wire, and time against what the line itself needs.
 *
 * The device is the model, simulated: the C core behind a pseudo-terminal that moves bytes at a given rate. So these are
 * figures of the protocol, the host and the core; an ESP32-S3 computes and copies slower, and its USB has limits of its own.
 */
import { blockDigests } from "../../host/attention/attention.ts";
import { blocksOf } from "../../host/attention/blocks.ts";
import { systemClock } from "../../host/device/clock.ts";
import { Session } from "../../host/device/session/session.ts";
import { counted, type WireCounts } from "../../host/device/usb/counted-transport.ts";
import { startModel } from "../../host/device/usb/model-process.ts";
import { openSerial } from "../../host/device/usb/serial-transport.ts";
import { UsbDevice } from "../../host/device/usb/usb-device.ts";
import { merkleRoot } from "../../host/work/merkle.ts";
import { SeenShares } from "../../host/work/seen.ts";
import { checkShare } from "../../host/work/share.ts";
import { easyJob, easyShare } from "../../host/work/testing/shares.ts";
import { type BenchTools, median } from "./tools.ts";

export interface DeviceBenchTools extends BenchTools {
  readonly rasters: readonly Uint8Array[];
  /** `build/firmware/lv06-model`. */
  readonly program: string;
}

/** Two UART rates, and what USB full speed carries: 1.216 MB/s at ten bits a byte. */
const RATES = [115_200, 921_600, 12_160_000];
const USB = 12_160_000;
const SIDE = 224;
const SCALE = 8;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

interface Run {
  readonly ms: number;
  readonly sent: number;
  readonly received: number;
  readonly cpuMs: number;
}

/** The line's own time: it carries both ways at once. */
const floorMs = ({ sent, received }: Run, baud: number) => (Math.max(sent, received) * 10_000) / baud;

export async function deviceFigures(tools: DeviceBenchTools): Promise<void> {
  const ofModel: DeviceBenchTools = {
    ...tools,
    add: (name, value, unit, target = "", met = null) =>
      tools.add(`${name} (simulated)`, value, unit, target, met, true),
  };
  for (const baud of RATES) await atRate(ofModel, baud);
  shareChecks(tools);
}

async function atRate(tools: DeviceBenchTools, baud: number): Promise<void> {
  const name = baud === USB ? "1.216 MB/s" : `${baud} baud`;
  tools.note(`model device, simulated, at ${name} …`);
  const model = await startModel({ program: tools.program, baud });
  try {
    await images(tools, model.path, baud, name);
    await hashes(tools, model.path, baud, name);
  } finally {
    await model.stop();
  }
}

async function images(tools: DeviceBenchTools, path: string, baud: number, name: string): Promise<void> {
  const counts: WireCounts = { sentBytes: 0, receivedBytes: 0 };
  const line = await openSerial({ path, baud, clock: systemClock });
  const options = { clock: systemClock, random: Math.random, baud, quietMs: 10 };
  const device = await UsbDevice.open(counted(line, counts), options);
  try {
    for (const compress of [true, false]) await filmsOf(tools, device, counts, { compress, baud, name });
    await batched(tools, device, counts, name);
  } finally {
    await device.close();
  }
}

interface At {
  readonly baud: number;
  readonly name: string;
}

async function filmsOf(
  tools: DeviceBenchTools,
  device: UsbDevice,
  counts: WireCounts,
  { compress, baud, name }: At & { readonly compress: boolean },
): Promise<void> {
  const rounds = baud === USB ? 10 : 1;
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const samples of tools.rasters) {
      const own = merkleRoot(await blockDigests(samples, SCALE));
      const image = { width: SIDE, height: SIDE, samples };
      const { result, run } = await timed(counts, () => device.image(image, { scales: [SCALE], raw: !compress }));
      if (!own.equals(result.roots.get(SCALE) ?? new Uint8Array())) throw new Error("the device's root is wrong");
      runs.push(run);
    }
  }
  const how = compress ? "deflated" : "raw";
  const share = sum(runs.map((run) => floorMs(run, baud))) / sum(runs.map(({ ms }) => ms));
  tools.add(`film ${how}, root at 8×8, ${name}`, sum(runs.map(({ ms }) => ms)) / runs.length, "ms");
  tools.add(`  the line's own time for it`, sum(runs.map((run) => floorMs(run, baud))) / runs.length, "ms");
  tools.add(`  share of the line rate`, share * 100, "%", "≥ 90", share >= 0.9);
  const cores = sum(runs.map(({ cpuMs }) => cpuMs)) / sum(runs.map(({ ms }) => ms));
  // Deflating is the host's own work, not the line's; the raw film shows what the line costs.
  if (baud === USB)
    tools.add(`  host CPU meanwhile`, cores, "cores", compress ? "" : "≤ 0.3", compress ? null : cores <= 0.3);
  if (baud !== RATES[0]) return;
  const ratio = sum(runs.map(({ sent, received }) => sent + received)) / runs.length / (SIDE * SIDE);
  const most = compress ? 0.55 : 1.05;
  tools.add(`  bytes on the wire, both ways, of the raw bytes`, ratio, "×", `≤ ${most}`, ratio <= most);
}

async function batched(tools: DeviceBenchTools, device: UsbDevice, counts: WireCounts, name: string): Promise<void> {
  const { run } = await timed(counts, () => device.hash(blocksOf(filmOf(tools), SCALE)));
  tools.add(`the same film block by block, BATCH, ${name}`, run.ms, "ms");
}

const filmOf = ({ rasters }: DeviceBenchTools) => rasters[0] ?? new Uint8Array(SIDE * SIDE);

async function hashes(tools: DeviceBenchTools, path: string, baud: number, name: string): Promise<void> {
  const counts: WireCounts = { sentBytes: 0, receivedBytes: 0 };
  const line = await openSerial({ path, baud, clock: systemClock });
  const session = await Session.open(counted(line, counts), {
    clock: systemClock,
    random: Math.random,
    baud,
    quietMs: 10,
  });
  try {
    for (const window of [1, 64]) {
      const count = Math.round((window === 1 ? 200 : 1000) * (baud === USB ? 10 : 0.5) * tools.share) + window;
      // The first seconds are the compiler's.
      if (baud === USB && window > 1) await pipelined(session, Math.round(60_000 * tools.share), window);
      const { run } = await timed(counts, () => pipelined(session, count, window));
      tools.add(`HASH of 64 bytes, window ${window}, ${name}`, (count / run.ms) * 1000, "/s");
      tools.add(`  of the line's ceiling`, (floorMs(run, baud) / run.ms) * 100, "%");
      if (baud !== USB || window === 1) continue;
      const cores = run.cpuMs / run.ms;
      tools.add(`  host CPU meanwhile, warm`, cores, "cores", "≤ 0.3", cores <= 0.3);
    }
    const words = blocksOf(filmOf(tools), SCALE).map((block) => Buffer.from(block).toString("hex"));
    const film = () =>
      Promise.all(words.map((word) => session.request({ verb: "HASH", args: [word], deadlineMs: 60_000 })));
    tools.add(`the same film block by block, HASH, ${name}`, (await timed(counts, film)).run.ms, "ms");
  } finally {
    await session.close();
  }
}

async function pipelined(session: Session, count: number, window: number): Promise<void> {
  const block = "a5".repeat(64);
  let left = count;
  const runner = async () => {
    while (left-- > 0) await session.request({ verb: "HASH", args: [block] });
  };
  await Promise.all(Array.from({ length: window }, runner));
}

async function timed<T>(
  counts: WireCounts,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly run: Run }> {
  const before = { ...counts };
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const result = await work();
  const ms = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  const sent = counts.sentBytes - before.sentBytes;
  const received = counts.receivedBytes - before.receivedBytes;
  return { result, run: { ms, sent, received, cpuMs: (user + system) / 1000 } };
}

function shareChecks({ add, share }: DeviceBenchTools): void {
  const count = Math.round(100_000 * share);
  const rates = [0, 1, 2].map(() => {
    const jobs = new Map([["1a", easyJob()]]);
    const seen = new SeenShares(count);
    const before = process.cpuUsage();
    for (let nonce = 0; nonce < count; nonce++) checkShare(jobs, easyShare(nonce), seen);
    const { user, system } = process.cpuUsage(before);
    return (count / (user + system)) * 1e6;
  });
  add("share checks on one core", median(rates), "/s", "≥ 50,000", median(rates) >= 50_000);
}
