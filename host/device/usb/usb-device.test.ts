/** The host's driver on the real C core, behind a real pseudo-terminal, through the real serialport. */
import { spawn } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { sha256d } from "../../work/header.ts";
import { meetsTarget, targetOfDifficulty } from "../../work/target.ts";
import { systemClock } from "../clock.ts";
import type { LiveDevice } from "../device.ts";
import { DeviceLink, type LinkState } from "../device-link.ts";
import { sha256, verifyDigests, verifyImage } from "../digest.ts";
import { DeviceError } from "../errors.ts";
import { LineDecoder } from "../link/decoder.ts";
import { encodeFrame } from "../link/frame.ts";
import { foundHeader } from "../session/work-status.ts";
import { buildModel, modelProgram } from "../testing/firmware.ts";
import { SoftwareDevice } from "../testing/software-device.ts";
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
const tag = (text: string) => Buffer.from(text.padEnd(16, "\0"), "latin1");
const code = (error: unknown) => (error instanceof DeviceError ? error.code : String(error));

describe("the model device", () => {
  it("introduces itself as simulated", async () => {
    const device = await connect((await model()).path);
    expect(device.info).toMatchObject({ id: "lv06-model-00000007", simulated: true, maxBlockBytes: 1024 });
    expect([...device.info.capabilities].sort()).toEqual(
      ["attest", "batch", "hash", "health", "image", "key", "log", "reset", "work"].sort(),
    );
    const keyless = await connect((await model({ key: null })).path);
    expect(keyless.info.capabilities.has("attest") || keyless.info.capabilities.has("key")).toBe(false);
  });

  it("hashes a thousand blocks of all sizes as the host does", async () => {
    const device = await connect((await model()).path);
    const blocks = Array.from({ length: 1000 }, (_, i) => randomBytes(1 + ((i * 37) % 1024)));
    const expected = blocks.map(sha256);
    expect(await verifyDigests(device, blocks, expected)).toMatchObject({ checked: 1000, mismatches: [] });
    expect(device.counters).toMatchObject({ retries: 0, strayReplies: 0, naks: 0 });
  });

  it("reports the health of a plausible LV06", async () => {
    const device = await connect((await model()).path);
    const health = await device.health();
    expect(health.frequencyMhz).toBe(485);
    expect(health.powerW).toBeGreaterThan(3);
    expect(health.powerW).toBeLessThan(14);
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
    // 20 blocks of 64 bytes at 11.52 bytes a millisecond: no scheduler can make this shorter.
    expect(clock.nowMs() - startMs).toBeGreaterThan((20 * 64) / 11.52);
  });
});

describe("an image on the model device", () => {
  const question = { scales: [4, 8, 16, 32], digestsOf: [4, 8] };
  const film = (width: number, height: number) => ({
    width,
    height,
    samples: Uint8Array.from(
      { length: width * height },
      (_, i) => (i % width) + (i >> 8) + (randomBytes(1)[0] ?? 0) / 16,
    ),
  });

  it.each([true, false])("has the roots and digests that the host computes, raw: %s", async (raw) => {
    const device = await connect((await model()).path);
    const image = film(224, 224);
    const truth = await new SoftwareDevice().image(image, question);
    expect(await device.image(image, { ...question, raw })).toEqual(truth);
    expect(device.counters).toMatchObject({ retries: 0, strayReplies: 0, naks: 0 });
  });

  it("may be as large as the protocol allows", async () => {
    const device = await connect((await model()).path);
    const image = film(1024, 1024);
    const asked = { scales: [8], digestsOf: [8] };
    expect(await device.image(image, asked)).toEqual(await new SoftwareDevice().image(image, asked));
  });

  it("comes one after the other, whoever asks", async () => {
    const device = await connect((await model()).path);
    const images = [film(64, 64), film(32, 96), film(224, 224)];
    const checks = await Promise.all(
      images.map(async (image) => {
        const { roots } = await new SoftwareDevice().image(image, { scales: [8, 16] });
        const own = new Map([...roots].map(([scale, root]) => [scale, { root }]));
        return (await verifyImage(device, image, { scales: [8, 16] }, own)).mismatches;
      }),
    );
    expect(checks).toEqual(images.map(() => []));
  });
});

describe("a search on the model device", () => {
  const job = () => ({
    header: randomBytes(80),
    versionMask: 0x1fffe000,
    target: targetOfDifficulty(2 ** -20),
    deadlineMs: 30_000,
  });

  it("finds a nonce that the host verifies, with the device's signature on it", async () => {
    const key = randomBytes(32);
    const device = await connect((await model({ workScale: 0, key: key.toString("hex") })).path);
    const search = job();
    const found = await device.work(search);
    if (found.kind !== "found") throw new Error(found.kind);
    const header = foundHeader(search.header, found.nonce, found.version);
    expect(meetsTarget(sha256d(header), search.target)).toBe(true);
    const parts = [tag("lv06/work/1"), header, Buffer.from(device.info.bootId, "hex")];
    expect(found.mac).toEqual(createHmac("sha256", key).update(Buffer.concat(parts)).digest());
  });

  it("expires, is stopped, and gives way to the next", async () => {
    const device = await connect((await model()).path);
    const hard = { ...job(), target: Buffer.alloc(32) };
    expect((await device.work({ ...hard, deadlineMs: 50 })).kind).toBe("expired");
    const giveUp = new AbortController();
    const stopped = device.work(hard, { signal: giveUp.signal });
    setTimeout(() => giveUp.abort(), 50);
    expect((await stopped).kind).toBe("stopped");
    expect((await device.work(job())).kind).toBe("found");
  });
});

describe("the model device's key", () => {
  it("signs and derives as the specification says", async () => {
    const key = randomBytes(32);
    const device = await connect((await model({ key: key.toString("hex") })).path);
    const [commitment, challenge, context] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const hmac = (...parts: Buffer[]) => createHmac("sha256", key).update(Buffer.concat(parts)).digest();
    const { mac, bootId } = await device.attest(commitment, challenge);
    expect(mac).toEqual(hmac(tag("lv06/attest/1"), commitment, challenge, Buffer.from(bootId, "hex")));
    expect(await device.key(context)).toEqual(hmac(tag("lv06/key/1"), context, Buffer.of(1)));
    // RFC 5869 §2.3 with the key as pseudorandom key.
    expect(await device.key(context)).toEqual(hmac(Buffer.concat([tag("lv06/key/1"), context]), Buffer.of(1)));
  });
});

describe("the model device's line and life", () => {
  it("goes at the highest rate that both know, and back when told to", async () => {
    const device = await connect((await model({ uart: true })).path);
    expect(device.baud).toBe(921_600);
    const blocks = blocksOf(200, 64);
    expect(await device.hash(blocks)).toEqual(blocks.map(sha256));
    await device.setRate(115_200);
    expect(device.baud).toBe(115_200);
    expect(await device.hash(blocks)).toEqual(blocks.map(sha256));
    expect(device.counters.naks).toBe(0);
  });

  it("stays at the first rate when told to", async () => {
    const started = await model({ uart: true });
    const device = await UsbDevice.open(await openSerial({ path: started.path, baud, clock }), {
      ...timing,
      climb: false,
    });
    cleanUp.push(() => device.close());
    expect(device.baud).toBe(115_200);
    await device.ping();
  });

  it.each([
    ["brownOut", "DEVICE_BROWNOUT"],
    ["crash", "DEVICE_CRASHED"],
  ] as const)("ends by name with a %s, and what was under way fails", async (fate, reason) => {
    const started = await model();
    const device = await connect(started.path);
    const gone = new Promise<unknown>((resolve) => device.onGone(resolve));
    const batch = device.hash(blocksOf(50_000, 64)).catch(code);
    setTimeout(() => started[fate](), 30);
    expect(await batch).toBe(reason);
    expect(code(await gone)).toBe(reason);
    await device.close();
    const again = await connect(started.path);
    expect(again.info.bootId).not.toBe(device.info.bootId);
  });

  it("restarts when it is reset, and says why", async () => {
    const { path } = await model();
    const device = await connect(path);
    const gone = new Promise<unknown>((resolve) => device.onGone(resolve));
    await device.reset();
    expect(code(await gone)).toBe("DEVICE_REBOOTED");
    await device.close();
    const again = await connect(path);
    expect((await again.health()).resetReason).toBe("software");
  });

  it("takes a level for its log", async () => {
    const device = await connect((await model()).path);
    await device.log(3);
    await device.log(0);
    await device.ping();
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
    // As many as one BATCH line holds.
    const blocks = blocksOf(30, 64);
    const { checked, mismatches } = await verifyDigests(device, blocks, blocks.map(sha256));
    expect({ checked, mismatches }).toEqual({ checked: 30, mismatches: [0, 10, 20] });
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

/** Turns one bit of every `every`th digest of a reply, and makes the frame's checksum right again. */
function lying(inner: Transport, every: number): Transport {
  const decoder = new LineDecoder(65_536);
  const falsify = (payload: Uint8Array) => payload.map((byte, i) => (i % (32 * every) === 0 ? byte ^ 1 : byte));
  return {
    name: inner.name,
    write: (bytes) => inner.write(bytes),
    onChunk: (listener) =>
      inner.onChunk((chunk) => {
        for (const event of decoder.push(chunk)) {
          if (event.kind !== "frame") continue;
          const { payload } = event.frame;
          listener(encodeFrame(payload === undefined ? event.frame : { ...event.frame, payload: falsify(payload) }));
        }
      }),
    onClose: (listener) => inner.onClose(listener),
    close: () => inner.close(),
  };
}
