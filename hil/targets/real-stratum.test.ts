/** What a real miner would do, done by simulated ones: no real one has ever come. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { FakeMiner } from "../../host/device/stratum/testing/fake-miner.ts";
import { ESP_MINER, type Profile, S9, STOCK } from "../../host/device/stratum/testing/profiles.ts";
import { STRATUM_CASES } from "../cases/stratum.ts";
import { minerClient } from "./miner-client.ts";
import { openRealStratum, type RealStratumOptions } from "./real-stratum.ts";
import { runOn } from "./testing/run-on.ts";

const miners: FakeMiner[] = [];
afterEach(() => {
  for (const miner of miners.splice(0)) miner.stop();
});

/** The target, with a miner that comes as soon as it listens. */
async function openWith(profile: Profile | null, worker: string, change: Partial<RealStratumOptions> = {}) {
  const words: string[] = [];
  const onProgress = (text: string) => {
    words.push(text);
    const port = /stratum\+tcp:\/\/.*:(\d+)$/.exec(text)?.[1];
    if (port === undefined || profile === null) return;
    miners.push(new FakeMiner({ profile, port: Number(port), worker, reconnectMs: 20 }).start());
  };
  const options = { address: "127.0.0.1:0", simulated: ["model"], waitMs: 10_000, onProgress, ...change };
  const target = await openRealStratum(options).catch((error: unknown) => ({ error }));
  return { target, words };
}

describe("a miner that comes to the rig's pool", () => {
  test("is known by its own words, and passes cases one after another over the same port", async () => {
    const { target, words } = await openWith(STOCK, "model.paired");
    if ("error" in target) throw target.error;
    expect(target.identity).toMatchObject({
      id: "model.paired",
      firmware: "LuckyMiner/BM1366/v2.4.0",
      simulated: true,
    });
    expect(words.at(-1)).toContain("the maker's firmware on a BM1366");
    const chosen = ["open/answered", "open/any-order", "share/first-proves", "batch/next", "refuse/duplicate"];
    for (const one of STRATUM_CASES.filter(({ id }) => chosen.some((name) => id.endsWith(name))))
      expect(await runOn(target, one), one.id).toBeNull();
    await target.close();
    expect(miners[0]?.violations).toEqual([]);
    expect(miners[0]?.connections).toBeGreaterThanOrEqual(6);
  });

  test("is taken for real unless its worker's name says otherwise, and then has a real difficulty", async () => {
    const { target } = await openWith(ESP_MINER, "lv06.a1b2c3");
    if ("error" in target) throw target.error;
    expect(target.identity).toMatchObject({ id: "lv06.a1b2c3", simulated: false });
    const [one] = STRATUM_CASES;
    if (one === undefined) throw new Error("no cases");
    const { bench, close } = await target.open(one, 1);
    expect(bench.difficulty).toBe(256);
    await bench.bridge({ onProof: () => {} });
    await vi.waitFor(() => expect(miners[0]?.difficulty).toBe(256));
    await close();
    await target.close();
  });

  test("has only the abilities that a device has which comes by itself", async () => {
    const { target } = await openWith(STOCK, "lv06");
    if ("error" in target) throw target.error;
    const not = STRATUM_CASES.filter((one) => !target.covers(one).runs).map(({ id }) => id);
    expect(not).toEqual(["stratum/line/reconnect", "stratum/recorded/lv06-shares"]);
    await target.close();
  });

  test("and goes away is missed: it is waited for, and its absence has a name", async () => {
    const { target } = await openWith(STOCK, "lv06", { waitMs: 300 });
    if ("error" in target) throw target.error;
    const [one] = STRATUM_CASES;
    if (one === undefined) throw new Error("no cases");
    const { bench, close } = await target.open(one, 1);
    await bench.bridge({ onProof: () => {} });
    await close();
    await expect(target.present?.()).resolves.toBeUndefined();
    const again = await target.open(one, 2);
    const joined = again.bench.bridge({ onProof: () => {} });
    miners[0]?.stop();
    await joined.catch(() => {});
    await again.close();
    await expect(target.present?.()).rejects.toMatchObject({ code: "RIG_NO_REAL" });
    await target.close();
  });

  test("and is no LV06 is named, and not used", async () => {
    const { target } = await openWith(S9, "lv06");
    expect(target).toMatchObject({ error: { code: "RIG_WRONG_DEVICE" } });
    expect(String("error" in target && target.error)).toContain("bmminer/2.0.0/Antminer S9/13500");
  });

  test("under a name that is not admitted is told of, and not waited for longer than agreed", async () => {
    const { target, words } = await openWith(STOCK, "someone", { waitMs: 300 });
    expect(target).toMatchObject({ error: { code: "RIG_NO_REAL" } });
    expect(words.join("\n")).toContain('calls its worker "someone", and is not admitted');
  });

  test("never comes, and the wait ends", async () => {
    const { target } = await openWith(null, "", { waitMs: 100 });
    expect(String("error" in target && target.error)).toMatch(/RIG_NO_REAL|no miner came/);
  });

  test("goes away, and the next case ends too", async () => {
    const { target } = await openWith(STOCK, "model", { waitMs: 500 });
    if ("error" in target) throw target.error;
    miners[0]?.stop();
    const [one] = STRATUM_CASES;
    if (one === undefined) throw new Error("no cases");
    expect(await runOn(target, one)).toContain("RIG_DEADLINE");
    await target.close();
  });
});

describe("an address", () => {
  test.each(["", "nonsense", "127.0.0.1", "127.0.0.1:99999", ":3333"])("that is none is named: %j", async (address) => {
    await expect(openRealStratum({ address })).rejects.toMatchObject({ code: "RIG_NO_REAL" });
  });

  test("that is not this machine's is named", async () => {
    await expect(openRealStratum({ address: "192.0.2.1:3333" })).rejects.toMatchObject({ code: "STRATUM_LISTEN" });
  });
});

describe("a miner's words for itself", () => {
  test.each([
    ["LuckyMiner/BM1366/v2.4.0", true],
    ["bitaxe/BM1366 (v2.1.8)", true],
    ["bitaxe/BM1366/v2.6.5-LVXX", true],
    ["bitaxe/BM1370/v2.15.0", false],
    ["bmminer/2.0.0/Antminer S9/13500", false],
    ["cgminer/4.11.1", false],
    ["", false],
  ])("%j fit an LV06: %s", (client, fits) => {
    expect(minerClient(client).fits).toBe(fits);
  });
});
