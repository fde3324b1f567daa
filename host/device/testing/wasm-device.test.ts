/** The C core in this process: the host's own driver over it, under a clock that the test turns. */
import { createHash, randomBytes } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { WorkJob } from "../device.ts";
import { sha256 } from "../digest.ts";
import { LineDecoder } from "../link/decoder.ts";
import { encodeFrame, type Frame } from "../link/frame.ts";
import type { Transport } from "../transport.ts";
import { UsbDevice } from "../usb/usb-device.ts";
import { FakeClock } from "./fake-clock.ts";
import { missingWasmTools } from "./firmware.ts";
import { Seeded } from "./seeded.ts";
import { WasmDevice, type WasmDeviceOptions } from "./wasm-device.ts";
import { WasmModule } from "./wasm-device-module.ts";

let module: WasmModule;

beforeAll(async () => {
  if (missingWasmTools.length === 0) module = await WasmModule.build();
});

interface Rig {
  readonly clock: FakeClock;
  readonly device: WasmDevice;
}

function rig(options: Omit<WasmDeviceOptions, "clock"> = {}): Rig {
  const clock = new FakeClock();
  return { clock, device: new WasmDevice(module, { clock, ...options }) };
}

/** Turns the clock until the promise settles. */
async function settle<T>({ clock }: Rig, promise: Promise<T>, limitMs = 120_000): Promise<T> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  promise.then(mark, mark);
  for (let passedMs = 0; !settled && passedMs < limitMs; passedMs += 10) await clock.advance(10);
  return promise;
}

const open = (from: Rig) =>
  settle(from, UsbDevice.open(from.device.connect(), { clock: from.clock, random: new Seeded(3).next }));

/** Everything heard on a connection, as frames and log lines. */
function listen(transport: Transport): { readonly frames: Frame[]; readonly log: string[]; discarded: number } {
  const decoder = new LineDecoder(65_536);
  const heard = { frames: [] as Frame[], log: [] as string[], discarded: 0 };
  transport.onChunk((chunk) => {
    for (const event of decoder.push(chunk)) {
      if (event.kind === "frame") heard.frames.push(event.frame);
      if (event.kind === "log") heard.log.push(event.text);
      if (event.kind === "discarded") heard.discarded += 1;
    }
  });
  return heard;
}

/** A share of difficulty 2^-20: its digest begins with 12 zero bits. */
const easyTarget = Buffer.from(`000f${"ff".repeat(30)}`, "hex");
const jobOf = (mark: number, target = easyTarget): WorkJob => {
  const header = Buffer.alloc(80, mark);
  header.writeUInt32LE(0x20000000, 0);
  return { header, target, versionMask: 0x1fffe000, deadlineMs: 60_000 };
};

describe.skipIf(missingWasmTools.length > 0)("the core in WebAssembly", () => {
  it("introduces itself as simulated, and hashes", async () => {
    const simulated = rig({ seed: 7 });
    const usb = await open(simulated);
    expect(usb.info).toMatchObject({ id: "lv06-model-00000007", simulated: true });
    const blocks = Array.from({ length: 300 }, (_, i) => randomBytes(1 + i));
    const digests = await settle(simulated, usb.hash(blocks));
    expect(digests.map((digest) => Buffer.from(digest))).toEqual(blocks.map((block) => Buffer.from(sha256(block))));
  });

  it("says the same bytes again with the same seed, and others with another", async () => {
    const heard = await Promise.all(
      [5, 5, 6].map(async (seed) => {
        const one = rig({ seed });
        const said: Buffer[] = [];
        one.device.toHost = (bytes) => {
          said.push(Buffer.from(bytes));
          return bytes;
        };
        const usb = await open(one);
        await settle(one, usb.health());
        await settle(one, usb.work(jobOf(1)));
        return Buffer.concat(said).toString("latin1");
      }),
    );
    expect(heard[0]).toBe(heard[1]);
    expect(heard[0]).not.toBe(heard[2]);
  });

  it("finds real work proofs in the model's time: a second on average at difficulty 2^-20", async () => {
    const simulated = rig({ seed: 2 });
    const usb = await open(simulated);
    const timesMs: number[] = [];
    for (let mark = 0; mark < 60; mark++) {
      const outcome = await settle(simulated, usb.work(jobOf(mark)));
      if (outcome.kind !== "found") throw new Error(outcome.kind);
      timesMs.push(outcome.elapsedMs);
      expect(Number(outcome.hashes)).toBeLessThanOrEqual((outcome.elapsedMs + 1) * 4.096);
    }
    const meanMs = timesMs.reduce((sum, ms) => sum + ms) / timesMs.length;
    expect(meanMs).toBeGreaterThan(700);
    expect(meanMs).toBeLessThan(1400);
    expect(Math.min(...timesMs)).toBeLessThan(100);
    expect(Math.max(...timesMs)).toBeGreaterThan(2500);
  });

  it("takes a search as far as its deadline, and its space", async () => {
    const hopeless = Buffer.alloc(32);
    const slow = rig();
    const usb = await open(slow);
    const outcome = await settle(slow, usb.work({ ...jobOf(1, hopeless), deadlineMs: 5000 }));
    expect(outcome.kind).toBe("expired");
    expect(Number(outcome.hashes)).toBeGreaterThan(20_000);
    expect(Number(outcome.hashes)).toBeLessThan(21_000);

    const small = rig({ stepsPerCore: 2, workScale: 0 });
    const searched = await settle(small, (await open(small)).work({ ...jobOf(1, hopeless), versionMask: 0x6000 }));
    expect(searched).toMatchObject({ kind: "exhausted", hashes: 894n * 2n * 4n });
  });

  it("goes warmer and draws more while it works", async () => {
    const simulated = rig();
    const usb = await open(simulated);
    const idle = await settle(simulated, usb.health());
    const work = usb.work({ ...jobOf(1, Buffer.alloc(32)), deadlineMs: 100_000 });
    await simulated.clock.advance(90_000);
    const busy = await settle(simulated, usb.health());
    await settle(simulated, work);
    expect(busy.tempC).toBeGreaterThan((idle.tempC ?? 0) + 8);
    expect(busy.powerW).toBeGreaterThan((idle.powerW ?? 0) + 6);
    expect(idle.hashrateGhs).toBe(0);
    expect(busy.hashrateGhs).toBeGreaterThan(200);
  });

  it("loses everything at a brown-out and says so", async () => {
    const simulated = rig();
    const usb = await open(simulated);
    let gone: Error | undefined;
    usb.onGone((reason) => {
      gone = reason;
    });
    simulated.device.reboot("brownout");
    await simulated.clock.advance(2000);
    expect(gone).toBeDefined();
    const again = await open(simulated);
    expect(again.info.bootId).not.toBe(usb.info.bootId);
    expect(await settle(simulated, again.health())).toMatchObject({ resetReason: "brownout" });
  });

  it("writes the boot text of an ESP32-S3", async () => {
    const { device } = rig();
    const heard = listen(device.connect());
    device.reboot("panic");
    await Promise.resolve();
    expect(heard.log.join("\n")).toMatch(/Guru Meditation Error[\s\S]*Rebooting\.\.\.[\s\S]*ESP-ROM:esp32s3/);
    expect(heard.frames).toMatchObject([{ seq: 0, verb: "BOOT", args: [expect.anything(), "panic"] }]);
  });

  it("restarts when asked to, once", async () => {
    const simulated = rig();
    const transport = simulated.device.connect();
    const heard = listen(transport);
    await transport.write(encodeFrame({ seq: 1, verb: "PING", args: [] }));
    await simulated.clock.advance(1);
    const boot = heard.frames[0]?.args[0] ?? "";
    await transport.write(encodeFrame({ seq: 2, verb: "RESET", args: [boot] }));
    await simulated.clock.advance(100);
    await transport.write(encodeFrame({ seq: 2, verb: "RESET", args: [boot] }));
    await simulated.clock.advance(100);
    expect(heard.frames.map(({ verb, args }) => [verb, args[1]])).toEqual([
      ["OK", undefined],
      ["OK", undefined],
      ["BOOT", "software"],
      ["ERR", "BOOT"],
    ]);
  });

  it("climbs to the highest rate, and hears noise from a host at another", async () => {
    const simulated = rig({ uart: true });
    const transport = simulated.device.connect();
    const usb = await settle(
      simulated,
      UsbDevice.open(transport, { clock: simulated.clock, random: new Seeded(3).next }),
    );
    expect(usb.baud).toBe(921_600);
    expect(simulated.device.baud).toBe(921_600);

    const other = rig({ uart: true });
    const wrong = other.device.connect();
    const heard = listen(wrong);
    await wrong.setRate?.(460_800);
    await wrong.write(encodeFrame({ seq: 1, verb: "PING", args: [] }));
    await other.clock.advance(10);
    expect(heard.frames).toEqual([]);
    await wrong.setRate?.(115_200);
    await wrong.write(Buffer.from("\n"));
    await wrong.write(encodeFrame({ seq: 2, verb: "PING", args: [] }));
    await other.clock.advance(10);
    expect(heard.frames.filter(({ seq }) => seq === 2)).toMatchObject([{ verb: "OK" }]);
  });

  it("loses nothing when the line damages a byte now and then", async () => {
    const simulated = rig();
    const usb = await open(simulated);
    const chance = new Seeded(9);
    const damage = (bytes: Uint8Array) => {
      const copy = Buffer.from(bytes);
      if (chance.below(20) === 0) copy[chance.below(copy.length)] = chance.below(256);
      return copy;
    };
    simulated.device.toDevice = damage;
    simulated.device.toHost = damage;
    const blocks = Array.from({ length: 300 }, () => randomBytes(64));
    const digests = await settle(simulated, usb.hash(blocks));
    expect(digests.map((digest) => Buffer.from(digest))).toEqual(blocks.map((block) => Buffer.from(sha256(block))));
  });

  it("ends a connection when unplugged, and takes a new one", async () => {
    const simulated = rig();
    const usb = await open(simulated);
    let gone: Error | undefined;
    usb.onGone((reason) => {
      gone = reason;
    });
    simulated.device.unplug();
    expect(gone).toBeDefined();
    const again = await open(simulated);
    expect(again.info.bootId).toBe(usb.info.bootId);
  });

  it("answers thousands of requests", async () => {
    const { device } = rig();
    const transport = device.connect();
    const heard = listen(transport);
    const block = Buffer.alloc(64, 5);
    const requests = Array.from({ length: 0x4000 }, (_, i) =>
      encodeFrame({ seq: i + 1, verb: "HASH", args: [block.toString("hex")] }),
    );
    for (let at = 0; at < requests.length; at += 64) {
      await transport.write(Buffer.concat(requests.slice(at, at + 64)));
    }
    await Promise.resolve();
    const digest = createHash("sha256").update(block).digest("hex");
    expect(heard.frames).toHaveLength(requests.length);
    expect(heard.frames.every(({ args }) => args[1] === digest)).toBe(true);
  });
});
