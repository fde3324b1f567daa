import { randomBytes } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { verifyProof } from "../../work/proof.ts";
import { targetOfDifficulty } from "../../work/target.ts";
import { systemClock } from "../clock.ts";
import { admitListed } from "./admission.ts";
import { StratumDevice } from "./stratum-device.ts";
import { EASY, until } from "./testing/bridge.ts";
import { FakeMiner } from "./testing/fake-miner.ts";
import { STOCK } from "./testing/profiles.ts";

let device: StratumDevice;
let miner: FakeMiner | undefined;

afterEach(async () => {
  miner?.stop();
  await device.close();
});

const commitment = Buffer.alloc(32, 3);
const search = { commitment, difficulty: 256, simulatedDifficulty: EASY, deadlineMs: 20_000 };

async function open(): Promise<void> {
  device = await StratumDevice.listen({
    admit: admitListed({ workers: [], simulated: ["model"] }),
    clock: systemClock,
    utcMs: Date.now,
    random: randomBytes,
    simulatedVardiff: { least: EASY, most: EASY },
    port: 0,
  });
}

function plug(): void {
  miner = new FakeMiner({ profile: STOCK, port: device.address?.port ?? 0, worker: "model" }).start();
}

test("a commitment becomes a work proof that verifies by itself and says who found it", async () => {
  await open();
  plug();
  const outcome = await device.seek(search);
  if (outcome.kind !== "found") throw new Error(outcome.kind);
  expect(verifyProof(outcome.proof, commitment, targetOfDifficulty(EASY)).ok).toBe(true);
  expect(outcome.worker).toMatchObject({ name: "model", simulated: true });
  expect(device.info).toMatchObject({ simulated: true, firmware: "LuckyMiner/BM1366/v2.4.0" });
  expect((await device.seek({ ...search, commitment: Buffer.alloc(32, 4) })).kind).toBe("found");
});

test("a search waits for a miner that comes later", async () => {
  await open();
  expect(device.present).toBe(false);
  const found = device.seek(search);
  plug();
  expect((await found).kind).toBe("found");
  expect(device.present).toBe(true);
});

test("only one search goes on at a time, and it ends when it is stopped, late, or closed", async () => {
  await open();
  const giveUp = new AbortController();
  const first = device.seek(search, { signal: giveUp.signal });
  await expect(device.seek(search)).rejects.toThrow(/DEVICE_BUSY/);
  giveUp.abort();
  expect((await first).kind).toBe("stopped");
  expect((await device.seek(search, { signal: giveUp.signal })).kind).toBe("stopped");
  expect((await device.seek({ ...search, deadlineMs: 5 })).kind).toBe("expired");
  expect(device.view().sealed).toBe(true);
  const last = device.seek(search);
  await device.close();
  expect((await last).kind).toBe("stopped");
});

test("a share that comes after the search was given up is no outcome of the next", async () => {
  await open();
  await device.seek({ ...search, deadlineMs: 5 });
  plug();
  await until(() => (miner?.accepted ?? 0) >= 3);
  const next = await device.seek({ ...search, commitment: Buffer.alloc(32, 9) });
  if (next.kind !== "found") throw new Error(next.kind);
  expect(next.commitment).toEqual(new Uint8Array(32).fill(9));
});

test("it does nothing but search", async () => {
  await open();
  const calls = [device.hash(), device.image(), device.work(), device.attest(), device.health()];
  for (const call of calls) await expect(call).rejects.toThrow(/DEVICE_UNSUPPORTED/);
});
