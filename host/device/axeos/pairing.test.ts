import { afterEach, describe, expect, test } from "vitest";
import type { Clock } from "../clock.ts";
import { AxeosClient } from "./client.ts";
import { isLocalAddress } from "./local-address.ts";
import type { PairingUndo } from "./pair.ts";
import { type PairingOptions, pairMiner, unpairMiner } from "./pairing.ts";
import { FakeAxeos } from "./testing/fake-axeos.ts";
import { PAYLOADS, type PayloadName } from "./testing/payloads.ts";

const BRIDGE = { host: "192.168.1.20", port: 3333, worker: "lv06" } as const;

/** Time that passes as fast as it is waited for: the miner is asked over a real connection in between. */
const hasty = (): Clock => {
  let nowMs = 0;
  return {
    nowMs: () => nowMs,
    after: (delayMs, fn) => {
      nowMs += delayMs;
      const timer = setImmediate(fn);
      return () => clearImmediate(timer);
    },
  };
};

let fake: FakeAxeos | undefined;
afterEach(async () => {
  await fake?.close();
  fake = undefined;
});

async function paired(name: PayloadName, options: Partial<PairingOptions> = {}, adapt?: (fake: FakeAxeos) => void) {
  const miner = await FakeAxeos.start(PAYLOADS[name]);
  fake = miner;
  adapt?.(miner);
  const client = new AxeosClient({ host: "127.0.0.1", port: miner.port, allowed: isLocalAddress });
  const kept: PairingUndo[] = [];
  const asked: string[] = [];
  const outcome = pairMiner(client, BRIDGE, {
    clock: hasty(),
    confirm: (says) => {
      asked.push(...says);
      return Promise.resolve(true);
    },
    keepUndo: (undo) => {
      expect(miner.requests.filter(({ method }) => method !== "GET")).toEqual([]);
      kept.push(undo);
      return Promise.resolve();
    },
    proven: () => Promise.resolve(true),
    ...options,
  });
  return { miner, client, kept, asked, outcome };
}

const asItWas = (name: PayloadName): unknown => JSON.parse(JSON.stringify({ ...PAYLOADS[name], uptimeSeconds: 2 }));
const asItIs = (miner: FakeAxeos): unknown => JSON.parse(JSON.stringify(miner.info));

const versions = (Object.keys(PAYLOADS) as PayloadName[]).filter((name) => name !== "whitepaper");

describe("pairing", () => {
  test.each(versions)("%s works for the bridge after a restart, and its undo leaves it as it was", async (name) => {
    const { miner, client, kept, outcome } = await paired(name);
    const done = await outcome;
    expect(done).toEqual({ kind: "paired", undo: kept[0] });
    expect(await client.info()).toMatchObject({ stratumURL: BRIDGE.host, stratumPort: 3333, stratumUser: "lv06" });
    expect(miner.restarts).toBe(1);
    if (done.kind !== "paired") return;
    await unpairMiner(client, done.undo, { clock: hasty() });
    expect(asItIs(miner)).toEqual(asItWas(name));
    expect(miner.restarts).toBe(2);
  });

  test("sends nothing when the answer is no", async () => {
    const { miner, asked, outcome } = await paired("v2.15", { confirm: () => Promise.resolve(false) });
    expect(await outcome).toEqual({ kind: "declined" });
    expect(miner.requests.map(({ method }) => method)).toEqual(["GET"]);
    expect(asked).toEqual([]);
  });

  test("says what will change, with the former pool", async () => {
    const { asked, outcome } = await paired("v2.12");
    await outcome;
    expect(asked.join(" ")).toMatch(/pool\.example:3333 as owner\.lv06, becomes 192\.168\.1\.20:3333 as lv06/);
  });

  test("sends nothing when the undo cannot be kept", async () => {
    const failing = () => Promise.reject(new Error("disk full"));
    const { miner, outcome } = await paired("v2.12", { keepUndo: failing });
    await expect(outcome).rejects.toThrow("disk full");
    expect(miner.requests.map(({ method }) => method)).toEqual(["GET"]);
  });

  test("notices a miner that takes the request but not the setting", async () => {
    const { miner, outcome } = await paired("v2.12", {}, (it) => {
      it.deaf = true;
    });
    await expect(outcome).rejects.toMatchObject({ code: "AXEOS_PAIR_NOT_TAKEN" });
    expect(miner.restarts).toBe(0);
  });

  test("takes back what a miner took in part", async () => {
    const { miner, outcome } = await paired("v2.12", {}, (it) => it.stubborn.add("stratumURL"));
    await expect(outcome).rejects.toMatchObject({ code: "AXEOS_PAIR_NOT_TAKEN" });
    expect(asItIs(miner)).toEqual(JSON.parse(JSON.stringify(PAYLOADS["v2.12"])));
  });

  test.each(["v2.4", "v2.15"] as const)("sets %s back when no share arrives", async (name) => {
    const { miner, outcome } = await paired(name, { proven: () => Promise.resolve(false) });
    await expect(outcome).rejects.toMatchObject({ code: "AXEOS_PAIR_UNPROVEN" });
    expect(asItIs(miner)).toEqual(asItWas(name));
    expect(miner.restarts).toBe(2);
  });

  test("waits for a miner that is away for a while, and not for ever", async () => {
    const away = (looks: number) => (it: FakeAxeos) => {
      it.handler = (request) => {
        if (it.restarts !== 1 || looks <= 0) return false;
        looks -= 1;
        request.socket.destroy();
        return true;
      };
    };
    const { outcome } = await paired("v2.12", {}, away(5));
    expect(await outcome).toMatchObject({ kind: "paired" });
    await fake?.close();
    const gone = await paired("v2.12", {}, away(1_000));
    await expect(gone.outcome).rejects.toMatchObject({ code: "AXEOS_UNDO_FAILED" });
  });

  test("is not done twice", async () => {
    const { client, outcome } = await paired("v2.15");
    await outcome;
    const unasked = () => Promise.reject(new Error("asked"));
    const options = { clock: hasty(), confirm: unasked, keepUndo: unasked, proven: unasked };
    expect(await pairMiner(client, BRIDGE, options)).toMatchObject({ kind: "already" });
  });

  test("refuses a miner that does not tell its pool", async () => {
    const { outcome } = await paired("whitepaper");
    await expect(outcome).rejects.toMatchObject({ code: "AXEOS_PAIR_UNSUPPORTED" });
  });

  test("does not undo what somebody has changed since", async () => {
    const { miner, client, kept, outcome } = await paired("v2.12");
    await outcome;
    miner.set({ stratumURL: "new.example" });
    const [undo] = kept;
    if (undo === undefined) throw new Error("no undo was kept");
    await expect(unpairMiner(client, undo, { clock: hasty() })).rejects.toMatchObject({ code: "AXEOS_UNDO_REFUSED" });
    expect(miner.info.stratumURL).toBe("new.example");
  });

  test("notices an undo that is not taken", async () => {
    const { miner, client, kept, outcome } = await paired("v2.12");
    await outcome;
    miner.deaf = true;
    const [undo] = kept;
    if (undo === undefined) throw new Error("no undo was kept");
    await expect(unpairMiner(client, undo, { clock: hasty() })).rejects.toMatchObject({ code: "AXEOS_UNDO_FAILED" });
  });
});
