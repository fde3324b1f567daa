/** The host's driver on the real C core, behind a real pseudo-terminal, through the real serialport. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { systemClock } from "../clock.ts";
import type { LiveDevice } from "../device.ts";
import { DeviceLink, type LinkState } from "../device-link.ts";
import { sha256, verifyDigests } from "../digest.ts";
import { DeviceError } from "../errors.ts";
import { LineDecoder } from "../link/decoder.ts";
import { encodeFrame } from "../link/frame.ts";
import { buildModel, modelProgram } from "../testing/firmware.ts";
import type { Transport } from "../transport.ts";
import { connectUsb } from "./connect.ts";
import { type ModelOptions, type ModelProcess, startModel } from "./model-process.ts";
import { openSerial } from "./serial-transport.ts";
import { UsbDevice } from "./usb-device.ts";

const clock = systemClock;
const baud = 115_200;
const timing = { clock, baud, random: Math.random, quietMs: 20 };
const cleanUp: (() => Promise<unknown>)[] = [];
let folder: string;

beforeAll(async () => {
  await buildModel();
  folder = await mkdtemp(join(tmpdir(), "lv06-device-"));
});
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});
afterAll(() => rm(folder, { recursive: true }));

async function model(options: Omit<ModelOptions, "program"> = {}): Promise<ModelProcess> {
  const started = await startModel({ program: modelProgram, seed: 7, ...options });
  cleanUp.push(() => started.stop());
  return started;
}

async function connect(path: string): Promise<UsbDevice> {
  const device = await connectUsb({ path, ...timing });
  cleanUp.push(() => device.close());
  return device;
}

const blocksOf = (count: number, sizeBytes: number) => Array.from({ length: count }, () => randomBytes(sizeBytes));
const code = (error: unknown) => (error instanceof DeviceError ? error.code : String(error));

describe("the model device", () => {
  it("introduces itself as simulated", async () => {
    const device = await connect((await model()).path);
    expect(device.info).toMatchObject({ id: "lv06-model-00000007", simulated: true, maxBlockBytes: 1024 });
    expect([...device.info.capabilities].sort()).toEqual(["hash", "health"]);
  });

  it("hashes a thousand blocks of all sizes as the host does", async () => {
    const device = await connect((await model()).path);
    const blocks = Array.from({ length: 1000 }, (_, i) => randomBytes(1 + ((i * 37) % 1024)));
    const expected = blocks.map(sha256);
    expect(await verifyDigests(device, blocks, expected)).toEqual({ checked: 1000, mismatches: [] });
    expect(device.counters).toMatchObject({ retries: 0, strayReplies: 0, naks: 0 });
  });

  it("reports the health of a plausible LV06", async () => {
    const device = await connect((await model()).path);
    const health = await device.health();
    expect(health.frequencyMhz).toBe(485);
    expect(health.hashrateGhs).toBeGreaterThan(420);
    expect(health.powerW).toBeGreaterThan(12);
    expect(health.powerW).toBeLessThan(13);
    expect(health.resetReason).toBe("power-on");
  });

  it("serves again after the host closed the port and opened it", async () => {
    const { path } = await model();
    const first = await connect(path);
    const boot = first.info.bootId;
    await first.close();
    const second = await connect(path);
    expect(second.info.bootId).toBe(boot);
    await second.ping();
  });

  it("keeps its link name while it lives and removes it when it ends", async () => {
    const link = join(folder, "named");
    const started = await model({ link });
    expect(await readlink(link)).toBe(started.path);
    await started.stop();
    await expect(readlink(link)).rejects.toThrow("ENOENT");
  });

  it("leaves the name to a newer model that took it over", async () => {
    const link = join(folder, "taken");
    const older = await model({ link });
    const newer = await model({ link });
    await older.stop();
    expect(await readlink(link)).toBe(newer.path);
  });

  it("ends with the process that started it", async () => {
    const link = join(folder, "orphan");
    const parent = spawn("/bin/sh", ["-c", `"${modelProgram}" --link "${link}" & echo started; wait`]);
    await once(parent.stdout, "data");
    await vi.waitUntil(() => readlink(link).catch(() => undefined), { timeout: 5000 });
    parent.kill("SIGKILL");
    await vi.waitUntil(
      () =>
        readlink(link).then(
          () => false,
          () => true,
        ),
      { timeout: 5000 },
    );
  });

  it("keeps to the rate of a line when told to", async () => {
    const device = await connect((await model({ baud: 115_200 })).path);
    const blocks = blocksOf(20, 64);
    const startMs = clock.nowMs();
    await device.hash(blocks);
    // 20 requests of 149 bytes at 11.52 bytes a millisecond: no scheduler can make this shorter.
    expect(clock.nowMs() - startMs).toBeGreaterThan((19 * 149) / 11.52);
  });
});

describe("errors", () => {
  it("says that a port does not exist", async () => {
    await expect(connect(join(folder, "none"))).rejects.toMatchObject({ code: "DEVICE_ABSENT" });
  });

  it("says that somebody else holds the port", async () => {
    const { path } = await model();
    await connect(path);
    await expect(connect(path)).rejects.toMatchObject({ code: "DEVICE_OPEN" });
  });

  it("refuses blocks that the device cannot take", async () => {
    const device = await connect((await model()).path);
    await expect(device.hash([new Uint8Array(0)])).rejects.toMatchObject({ code: "DEVICE_LIMIT" });
    await expect(device.hash([new Uint8Array(1025)])).rejects.toMatchObject({ code: "DEVICE_LIMIT" });
  });

  it("stops a batch when its caller gives up, and serves the next", async () => {
    const device = await connect((await model()).path);
    const giveUp = new AbortController();
    const batch = device.hash(blocksOf(20_000, 64), { signal: giveUp.signal }).catch(code);
    setTimeout(() => giveUp.abort(), 20);
    expect(await batch).toBe("DEVICE_ABORTED");
    await device.ping();
  });

  it("fails a batch by name when the device is unplugged in the middle", async () => {
    const started = await model();
    const device = await connect(started.path);
    const gone = new Promise<unknown>((resolve) => device.onGone(resolve));
    const batch = device.hash(blocksOf(50_000, 64)).catch(code);
    setTimeout(() => void started.stop("SIGKILL"), 50);
    expect(await batch).toBe("DEVICE_CLOSED");
    expect(code(await gone)).toBe("DEVICE_CLOSED");
    await expect(device.ping()).rejects.toMatchObject({ code: "DEVICE_CLOSED" });
  });

  it("finds every wrong digest of a device that lies behind a right checksum", async () => {
    const { path } = await model();
    const honest = await openSerial({ path, baud, clock });
    const device = await UsbDevice.open(lying(honest, 10), timing);
    cleanUp.push(() => device.close());
    const blocks = blocksOf(100, 64);
    const { checked, mismatches } = await verifyDigests(device, blocks, blocks.map(sha256));
    expect({ checked, wrong: mismatches.length }).toEqual({ checked: 100, wrong: 10 });
  });
});

describe("DeviceLink over the model", () => {
  it("waits for a device, loses it, and has it back under the same name", async () => {
    const link = join(folder, "plugged");
    const states: LinkState["kind"][] = [];
    let changed = () => {};
    const supervisor = new DeviceLink({
      connect: (signal): Promise<LiveDevice> => connectUsb({ path: link, ...timing, signal }),
      clock,
      random: Math.random,
      backoffMs: 20,
      backoffMaxMs: 100,
      onChange: (state) => {
        states.push(state.kind);
        changed();
      },
    });
    cleanUp.push(() => supervisor.stop());
    const reach = (kind: LinkState["kind"]) =>
      new Promise<void>((resolve) => {
        changed = () => supervisor.state.kind === kind && resolve();
        changed();
      });

    supervisor.start();
    await reach("absent");
    expect(supervisor.current()).toBeUndefined();
    const first = await model({ link });
    await reach("ready");
    const boot = supervisor.current()?.info.bootId;
    const batch = supervisor.current()?.hash(blocksOf(50_000, 64)).catch(code);
    await first.stop("SIGKILL");
    expect(await batch).toBe("DEVICE_CLOSED");
    expect(supervisor.current()).toBeUndefined();
    await model({ link });
    await reach("ready");
    expect(supervisor.current()?.info.bootId).not.toBe(boot);
    expect(await supervisor.current()?.hash([Buffer.from("abc")])).toEqual([Buffer.from(sha256(Buffer.from("abc")))]);
    await supervisor.stop();
    expect(supervisor.state.kind).toBe("stopped");
    expect(states.slice(0, 2)).toEqual(["connecting", "absent"]);
  });
});

/** Turns one bit of every `every`th digest, and makes the frame's checksum right again. */
function lying(inner: Transport, every: number): Transport {
  const decoder = new LineDecoder(65_536);
  let digests = 0;
  const falsify = (arg: string) => (/^[0-9a-f]{64}$/.test(arg) && ++digests % every === 0 ? flip(arg) : arg);
  return {
    name: inner.name,
    write: (bytes) => inner.write(bytes),
    onChunk: (listener) =>
      inner.onChunk((chunk) => {
        for (const event of decoder.push(chunk)) {
          if (event.kind === "frame") listener(encodeFrame({ ...event.frame, args: event.frame.args.map(falsify) }));
        }
      }),
    onClose: (listener) => inner.onClose(listener),
    close: () => inner.close(),
  };
}

const flip = (hex: string) => (Number.parseInt(hex.slice(0, 1), 16) ^ 1).toString(16) + hex.slice(1);
