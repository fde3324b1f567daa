/** USB → Stratum → software and back, with the real process: results go on, and each is sealed in the end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeMiner } from "../host/device/stratum/testing/fake-miner.ts";
import { ESP_MINER } from "../host/device/stratum/testing/profiles.ts";
import { type ModelProcess, startModel } from "../host/device/usb/model-process.ts";
import { freePort, type RunningAppliance, startAppliance } from "./demo/appliance.ts";
import { FILMS, putIntoInbox } from "./demo/films.ts";
import { OutsideClient, type Received } from "./demo/outside-client.ts";
import { judgeReceipts, receiptsOf } from "./receipts.ts";
import { openStored } from "./stored.ts";

const WAIT_MS = 40_000;
/** Years for a share. */
const NEVER = 1e17;

describe("the automatic fallback", () => {
  let folder: string;
  let appliance: RunningAppliance;
  let client: OutsideClient;
  let miner: FakeMiner;
  let model: ModelProcess | undefined;
  let films: number;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "fallback-"));
    const poolPort = await freePort();
    const settings = `site: demo
appliance: lv06-demo
dataDir: data
ingest: { settleMs: 0 }
mqtt: { embeddedPort: PORT, healthIntervalS: 1 }
device: { usb: { path: ${join(folder, "port")} }, stratum: { listen: "127.0.0.1:${poolPort}", simulatedWorkers: [simulated] } }
seal: { maxAgeMs: 0, deadlineMs: 1000, simulatedDifficulty: ${2 ** -18} }
`;
    films = 0;
    appliance = await startAppliance(folder, { settings, modelDevice: false });
    client = await OutsideClient.open(appliance.url, appliance.prefix, WAIT_MS);
    miner = new FakeMiner({ profile: ESP_MINER, port: poolPort, worker: "simulated", reconnectMs: 200 });
  });

  afterEach(async () => {
    miner.stop();
    await client.close();
    await appliance.stop();
    await model?.stop();
    rmSync(folder, { recursive: true });
  });

  /** @param workScale how much longer than usual its searches take */
  async function plugIn(workScale?: number): Promise<void> {
    const program = resolve(import.meta.dirname, "../build/firmware/lv06-model");
    const slow = workScale === undefined ? {} : { workScale };
    model = await startModel({ program, link: join(folder, "port"), ...slow });
    await until("USB device", ({ device }) => device.state === "ready");
  }

  async function pullOut(): Promise<void> {
    await model?.stop("SIGKILL");
    model = undefined;
  }

  interface Health {
    readonly alarms: readonly string[];
    readonly device: { readonly state: string };
    readonly pool?: { readonly joined: number };
    readonly sealing: { readonly state: string; readonly waiting: number };
  }
  const health = () => client.of("health").at(-1)?.data as unknown as Health | undefined;
  const until = (what: string, holds: (now: Health) => boolean) =>
    client.until(what, WAIT_MS, () => {
      const now = health();
      return now !== undefined && holds(now);
    });

  /** Whether a seal comes or not: a result is waited for, and nothing else. */
  async function result(): Promise<Received["data"]> {
    const film = FILMS[films % FILMS.length];
    if (film === undefined) throw new Error("no film");
    films += 1;
    putIntoInbox(appliance.inbox, film);
    await client.until(`result ${films}`, WAIT_MS, () => client.of("result").length === films);
    return client.of("result").at(-1)?.data ?? {};
  }

  const kindsOf = (data: Received["data"] | undefined) =>
    (data?.device as { readonly kind?: string } | undefined)?.kind;
  const lastSeal = () => client.of("seal").at(-1)?.data;

  async function sealed(): Promise<void> {
    const count = () => client.of("seal").reduce((sum, { data }) => sum + Number(data.size), 0);
    await client.until(`seals of ${films} results`, WAIT_MS, () => count() === films);
  }

  test("goes from USB to Stratum to software and back, and seals every result in the end", async () => {
    await plugIn();
    expect(await result()).toMatchObject({ device: { kind: "usb", simulated: true }, seal: "pending" });
    await sealed();
    expect(kindsOf(lastSeal())).toBe("usb");

    await pullOut();
    miner.start();
    await until("miner", ({ device, pool }) => device.state !== "ready" && pool?.joined === 1);
    expect(await result()).toMatchObject({ device: { kind: "stratum", simulated: true }, seal: "pending" });
    await sealed();
    expect(kindsOf(lastSeal())).toBe("stratum");

    miner.stop();
    await until("no miner", ({ pool }) => pool?.joined === 0);
    for (let i = 0; i < 3; i++) {
      expect(await result()).toMatchObject({ device: { kind: "none", simulated: false }, seal: "pending" });
    }
    await until("alarm", ({ alarms }) => alarms.includes("SEALING_DEVICE_ABSENT") && alarms.includes("DEVICE_ABSENT"));
    expect(client.of("event").some(({ data }) => data.kind === "seal-no-device")).toBe(true);
    expect(health()?.sealing).toMatchObject({ state: "absent", waiting: 3 });
    expect(client.of("seal").length).toBe(2);

    miner.start();
    await sealed();
    expect(lastSeal()).toMatchObject({ size: 3, device: { kind: "stratum", simulated: true }, workVerified: false });
    await until("end of the alarm", ({ alarms }) => !alarms.includes("SEALING_DEVICE_ABSENT"));

    await plugIn();
    expect(await result()).toMatchObject({ device: { kind: "usb" } });
    miner.stop();
    await sealed();
    expect(await result()).toMatchObject({ device: { kind: "usb" } });
    await sealed();
    expect(kindsOf(lastSeal())).toBe("usb");
    await until("no alarm", ({ alarms }) => !alarms.includes("DEVICE_ABSENT"));
    await everythingIsThere();
  });

  test("a batch goes on with the miners when the USB device is pulled out while it works on it", async () => {
    await plugIn(NEVER);
    expect(await result()).toMatchObject({ device: { kind: "usb" } });
    await until("work", ({ sealing }) => sealing.state === "working");
    await pullOut();
    miner.start();
    await sealed();
    expect(lastSeal()).toMatchObject({ size: 1, device: { kind: "stratum" } });
    await everythingIsThere();
  });

  async function everythingIsThere(): Promise<void> {
    expect(client.received.flatMap(({ complaints }) => complaints)).toEqual([]);
    const publicKey = String(client.of("info").at(-1)?.data.publicKey);
    await appliance.stop();
    expect(appliance.complaints()).toEqual([]);
    const reader = openStored(join(folder, "data"));
    const stored = reader.listFrom(1, 100);
    const { receipts, missing } = receiptsOf(reader, stored);
    reader.close();
    expect(stored.map(({ sequence }) => sequence)).toEqual(Array.from({ length: films }, (_, i) => i + 1));
    expect(missing).toEqual([]);
    expect(judgeReceipts(receipts, publicKey, false)).toEqual([]);
  }
});
