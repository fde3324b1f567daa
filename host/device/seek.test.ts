import { describe, expect, it } from "vitest";
import { verifyProof } from "../work/proof.ts";
import { targetOfDifficulty } from "../work/target.ts";
import type { Device, WorkOutcome } from "./device.ts";
import { seekByWork } from "./seek.ts";
import { FakeClock } from "./testing/fake-clock.ts";
import { missingWasmTools } from "./testing/firmware.ts";
import { Seeded } from "./testing/seeded.ts";
import { WasmDevice } from "./testing/wasm-device.ts";
import { WasmModule } from "./testing/wasm-device-module.ts";
import { UsbDevice } from "./usb/usb-device.ts";

const commitment = new Uint8Array(32).fill(0x5a);
const EASY = 2 ** -22;
let extranonce = 0;
const tools = { utcMs: () => 1_700_000_000_000, random: (count: number) => new Uint8Array(count).fill(++extranonce) };
const job = { commitment, difficulty: EASY, deadlineMs: 60_000 };

describe.skipIf(missingWasmTools.length > 0)("a search by a device with WORK (the C core, simulated)", () => {
  async function open() {
    const clock = new FakeClock();
    const core = new WasmDevice(await WasmModule.build(), { clock, workScale: 0 });
    const random = new Seeded(1);
    const opening = UsbDevice.open(core.connect(), { clock, random: random.next });
    return { clock, device: await clock.until(opening) };
  }

  it("finds a proof of the commitment, in another space every time", async () => {
    const { clock, device } = await open();
    const first = await clock.until(seekByWork(device, job, tools));
    const second = await clock.until(seekByWork(device, job, tools));
    if (first.kind !== "found" || second.kind !== "found") throw new Error("nothing found");
    for (const { proof } of [first, second]) {
      expect(verifyProof(proof, commitment, targetOfDifficulty(EASY))).toMatchObject({ ok: true });
    }
    expect(Buffer.compare(first.proof.coinbase, second.proof.coinbase)).not.toBe(0);
  });

  it("ends when it is told to, or at its deadline", async () => {
    const { clock, device } = await open();
    const hard = { ...job, difficulty: 2 ** 20 };
    const stop = new AbortController();
    const searching = seekByWork(device, hard, tools, { signal: stop.signal });
    await clock.advance(500);
    stop.abort();
    expect(await clock.until(searching)).toEqual({ kind: "stopped" });
    expect(await clock.until(seekByWork(device, { ...hard, deadlineMs: 1000 }, tools))).toEqual({ kind: "expired" });
  });
});

describe("a device whose find", () => {
  const finds = (outcome: Partial<WorkOutcome>): Pick<Device, "info" | "work"> => ({
    info: { id: "d", firmware: "", simulated: true, capabilities: new Set(["work"]), bootId: "", maxBlockBytes: 0 },
    work: async () => ({ elapsedMs: 1, hashes: 1n, errors: 0, ...outcome }) as WorkOutcome,
  });

  it("does not verify is caught here, whatever its driver said", async () => {
    const liar = finds({ kind: "found", nonce: 1, version: 0x20000000 });
    await expect(seekByWork(liar, job, tools)).rejects.toMatchObject({ code: "DEVICE_WORK_FALSE" });
  });

  it("is none because every nonce was tried has expired: another space comes next", async () => {
    expect(await seekByWork(finds({ kind: "exhausted" }), job, tools)).toEqual({ kind: "expired" });
  });
});
