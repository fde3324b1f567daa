/**
 * What recording costs: node hil/recording/testing/overhead.ts [seconds]
 *
 * The same bytes at the full rate of USB (19 packets of 64 bytes a millisecond) go to a driver's decoder, once as they
 * are and once along a tape that is written to a file. The difference in CPU time is the recorder's.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../host/device/clock.ts";
import { LineDecoder } from "../../../host/device/link/decoder.ts";
import { encodeFrame } from "../../../host/device/link/frame.ts";
import type { Transport } from "../../../host/device/transport.ts";
import { RecordingFile } from "../files.ts";
import { LiveClock } from "../live-clock.ts";
import { recorded, Tape } from "../recorder.ts";
import { HEADER } from "./samples.ts";

const BYTES_PER_MS = 1216;
const DEFAULT_S = 8;
/** A recording ends at 16 MB. */
const MOST_S = 10;
const reply = encodeFrame({ seq: 1, verb: "OK", args: ["1a2b3c4d", "ab".repeat(32)] });
const request = encodeFrame({ seq: 1, verb: "HASH", args: ["ab".repeat(16)] });

interface Flood {
  readonly name: string;
  readonly chunkBytes: number;
  /** Bytes that the host writes for each that it reads. */
  readonly writes: number;
}

const FLOODS: readonly Flood[] = [
  { name: "replies, chunks of 4096", chunkBytes: 4096, writes: 0 },
  { name: "replies, chunks of 512", chunkBytes: 512, writes: 0 },
  { name: "replies, chunks of 64", chunkBytes: 64, writes: 0 },
  { name: "half requests, half replies, 512", chunkBytes: 512, writes: 1 },
];

/** A line that says whatever it is told to. */
class FloodedLine implements Transport {
  readonly name = "flooded";
  #onChunk: (chunk: Uint8Array) => void = () => {};

  async write(): Promise<void> {}

  onChunk(listener: (chunk: Uint8Array) => void): void {
    this.#onChunk = listener;
  }

  onClose(): void {}

  async close(): Promise<void> {}

  say(chunk: Uint8Array): void {
    this.#onChunk(chunk);
  }
}

/** CPU time as a share of one core. */
async function coresOf({ chunkBytes, writes }: Flood, seconds: number, path: string | undefined): Promise<number> {
  const line = new FloodedLine();
  const file = path === undefined ? undefined : RecordingFile.create(path, HEADER);
  const clock = new LiveClock(systemClock);
  const tape = new Tape(
    () => clock.nowUs,
    (event) => file?.add(event),
  );
  const host = file === undefined ? line : recorded(line, { tape, clock }, 1);
  const decoder = new LineDecoder(65_536);
  host.onChunk((chunk) => decoder.push(chunk));
  const said = Buffer.concat(Array.from({ length: chunkBytes }, () => reply));
  const asked = Buffer.concat(Array.from({ length: chunkBytes }, () => request));
  const share = 1 / (1 + writes);
  const before = process.cpuUsage();
  const startMs = performance.now();
  let read = 0;
  let written = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs = performance.now() - startMs) {
    for (; read < nowMs * BYTES_PER_MS * share; read += chunkBytes)
      line.say(said.subarray(read % 89, (read % 89) + chunkBytes));
    for (; written < nowMs * BYTES_PER_MS * (1 - share); written += chunkBytes)
      await host.write(asked.subarray(0, chunkBytes));
    await sleep(1);
  }
  await sleep(20);
  file?.finish("passed", 0);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6 / seconds;
}

const seconds = Math.min(Number(process.argv[2] ?? DEFAULT_S), MOST_S);
const folder = mkdtempSync(join(tmpdir(), "lv06-overhead-"));
try {
  for (const flood of FLOODS) {
    const path = join(folder, "a.ndjson");
    const without = await coresOf(flood, seconds, undefined);
    const cores = await coresOf(flood, seconds, path);
    const bytes = statSync(path).size / (seconds * 1000 * BYTES_PER_MS);
    const words = `${without.toFixed(3)} core without, ${cores.toFixed(3)} with: ${(cores - without).toFixed(3)}`;
    process.stdout.write(`${flood.name}: ${words}; ${bytes.toFixed(2)} file bytes a byte\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
