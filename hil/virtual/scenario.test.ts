/** The tier's scenarios hold, and none of what they are held to is empty: for each there is a defect that breaks it. */
import { beforeAll, describe, expect, it } from "vitest";
import { verifyDigests, verifyImage } from "../../host/device/digest.ts";
import { DeviceError } from "../../host/device/errors.ts";
import { missingWasmTools } from "../../host/device/testing/firmware.ts";
import { FAULT_KINDS } from "../faults/kinds.ts";
import type { Driver } from "./asks.ts";
import { CorePool } from "./cores.ts";
import type { Plant } from "./report.ts";
import { rerunLine } from "./rerun.ts";
import { runScenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import { drawScenario, WHOLE, type Without } from "./steps.ts";
import { EMPTY_TALLY, together, usbTally } from "./tally.ts";
import { runScenarios } from "./tier.ts";

const SCENARIOS = 300;

let pool: CorePool;
beforeAll(async () => {
  if (missingWasmTools.length === 0) pool = await CorePool.build();
});

/** The driver with some of its parts replaced. */
function having(device: Driver, parts: Partial<Driver>): Driver {
  return new Proxy(device, {
    get: (target, key) => {
      if (Object.hasOwn(parts, key)) return Reflect.get(parts, key);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** The first findings under a planted defect, among some seeds. */
async function found(decorate: NonNullable<Plant["decorate"]>): Promise<string> {
  return foundWith({ decorate }, 60);
}

async function foundWith(plant: Plant, seeds: number): Promise<string> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { findings } = await runScenario(pool, seed, { plant });
    if (findings.length > 0) return findings.join("; ");
  }
  return "";
}

describe.skipIf(missingWasmTools.length > 0)("under virtual time", () => {
  it(`${SCENARIOS} scenarios hold, and every action is taken in them`, async () => {
    let tally = EMPTY_TALLY;
    for (let seed = 1; seed <= SCENARIOS; seed++) {
      const report = await runScenario(pool, seed);
      expect(report.findings, `seed ${seed}`).toEqual([]);
      tally = together(tally, usbTally(report));
    }
    expect(Object.keys(tally.actions)).toHaveLength(17);
    expect(tally.sums.answered).toBeGreaterThan(SCENARIOS * 3);
    // The host's own check is put to the test: lies come as far as it, about everything that it can judge.
    for (const what of ["HASH", "IMAGE", "WORK"]) expect(tally.caught[what], what).toBeGreaterThan(SCENARIOS / 150);
    expect(Object.keys(tally.failed)).toEqual(
      expect.arrayContaining(["DEVICE_CLOSED", "DEVICE_DEADLINE", "DEVICE_REBOOTED", "DEVICE_CRASHED"]),
    );
  });

  it("every fault strikes in some scenario, and the scenario holds", async () => {
    const left = new Set(FAULT_KINDS);
    for (let seed = 1; left.size > 0 && seed < 4000; seed++) {
      if (!drawScenario(seed).plan.faults.some(({ kind }) => left.has(kind))) continue;
      const { findings, fired } = await runScenario(pool, seed);
      expect(findings, `seed ${seed}`).toEqual([]);
      for (const kind of FAULT_KINDS) if (fired[kind] !== undefined) left.delete(kind);
    }
    expect([...left]).toEqual([]);
  });

  it("one seed is one course of events, also on a core that others used before", async () => {
    const fresh = await CorePool.build();
    for (const seed of [3, 17, 82, 144, 309]) {
      const { trace, ...first } = await runScenario(pool, seed);
      expect(await runScenario(pool, seed)).toMatchObject({ ...first, trace });
      expect((await runScenario(fresh, seed)).trace).toBe(trace);
    }
  });

  it("workers play every seed once", async () => {
    const report = await runScenarios({ from: 1, count: 120, workers: 2 });
    expect(report).toMatchObject({ scenarios: 120, failures: [], simulated: true });
    let alone = EMPTY_TALLY;
    for (let seed = 1; seed <= 120; seed++) alone = together(alone, usbTally(await runScenario(pool, seed)));
    expect(report).toMatchObject(alone);
  });

  it("a failing scenario is made smaller, and still fails", async () => {
    const ping = () => Promise.reject(new TypeError("planted"));
    const plant: Plant = { decorate: (device) => having(device, { ping }) };
    const failsAt = async (seed: number, without: Without = WHOLE) => {
      const { findings } = await runScenario(pool, seed, { plant, without });
      return findings.some((finding) => finding.startsWith("PING threw planted"));
    };
    let seed = 1;
    while (!(await failsAt(seed))) seed += 1;
    const { without, steps, faults } = await shrink(seed, (tried) => failsAt(seed, tried));
    expect({ steps, faults }).toEqual({ steps: 1, faults: 0 });
    expect(drawScenario(seed, without).steps.map(({ action }) => action.kind)).toEqual(["ping"]);
    expect(rerunLine("usb", seed, without)).toMatch(/hil virtual --seed \d+ --without-steps [0-9,]+/);
  });
});

describe.skipIf(missingWasmTools.length > 0)("a planted defect is found:", () => {
  const failing = () => Promise.reject(new DeviceError("DEVICE_DEADLINE", "planted"));
  const plants: readonly (readonly [string, NonNullable<Plant["decorate"]>, string | RegExp])[] = [
    [
      "a wrong digest",
      (device) =>
        having(device, {
          hash: async (...args) => (await device.hash(...args)).map((digest) => Uint8Array.from(digest).fill(0, 0, 1)),
        }),
      "a wrong digest came through",
    ],
    [
      "a wrong root",
      (device) =>
        having(device, {
          image: async (...args) => {
            const answer = await device.image(...args);
            return { ...answer, roots: new Map([...answer.roots.keys()].map((scale) => [scale, new Uint8Array(32)])) };
          },
        }),
      "IMAGE: a wrong digest came through",
    ],
    [
      "a false proof",
      (device) =>
        having(device, {
          work: async (...args) => {
            const outcome = await device.work(...args);
            return outcome.kind === "found" ? { ...outcome, nonce: (outcome.nonce + 1) % 2 ** 32 } : outcome;
          },
        }),
      "a nonce that does not meet its target was believed",
    ],
    [
      "a false attestation",
      (device) =>
        having(device, { attest: async (...args) => ({ ...(await device.attest(...args)), mac: new Uint8Array(32) }) }),
      "an attestation that the key did not make",
    ],
    ["a call that never settles", (device) => having(device, { health: () => new Promise(() => {}) }), "never settled"],
    [
      "a call that settles late",
      (device, clock) =>
        having(device, { health: () => new Promise((resolve) => clock.after(30_000, () => resolve({}))) }),
      "after its deadline",
    ],
    [
      "another error than the driver's",
      (device) => having(device, { health: () => Promise.reject(new TypeError("x")) }),
      "threw x",
    ],
    [
      "a start of long ago",
      (() => {
        let first: Driver["info"] | undefined;
        return (device: Driver) => {
          first ??= device.info;
          return having(device, { info: { ...device.info, bootId: first.bootId } });
        };
      })(),
      /an answer of boot [0-9a-f]{8}, which is (of an earlier start|unknown)/,
    ],
    ["a link that never serves", (device) => having(device, { hash: failing }), "the link does not come back"],
    [
      "a connection that stays open",
      (device) => having(device, { close: async () => {} }),
      /left open|does not come back/,
    ],
    [
      "a timer for ever",
      (device, clock) => {
        clock.after(1e9, () => {});
        return device;
      },
      "timers are left behind",
    ],
    [
      "timers without number",
      (device, clock) => {
        for (let i = 0; i < 600; i++) clock.after(10, () => {});
        return device;
      },
      "timers at once",
    ],
    [
      "an end told twice",
      (device) =>
        having(device, {
          onGone: (listener) =>
            device.onGone((reason) => {
              listener(reason);
              listener(reason);
            }),
        }),
      "a connection ended twice",
    ],
    [
      "a caller that nobody answers",
      (device) => having(device, { held: { ...device.held, waiters: 9 } }),
      /waits for a request that is no more|holds 9 waiters/,
    ],
    [
      "a request that settles twice",
      (device) => having(device, { held: { ...device.held, settledTwice: 1 } }),
      "a request settled twice",
    ],
    [
      "a listener of a call that is over",
      (device) => having(device, { held: { ...device.held, listeners: 1 } }),
      "holds 1 listeners",
    ],
    [
      "a number that rests for ever",
      (device) => having(device, { held: { ...device.held, lingering: 2 } }),
      "2 numbers still rest",
    ],
    [
      "a counter that does not count",
      (device) => having(device, { counters: { ...device.counters, retries: Number.NaN } }),
      "a counter that does not count",
    ],
  ];

  it.each(plants)("%s", async (_, decorate, finding) => {
    expect(await found(decorate)).toMatch(finding);
  });

  it("a host that takes every digest, root or nonce for a right one", async () => {
    const believing: Plant["host"] = {
      verifyDigests: async (...args) => ({ ...(await verifyDigests(...args)), mismatches: [] }),
      verifyImage,
    };
    expect(await foundWith({ host: believing }, SCENARIOS)).toMatch(/HASH: the host found \[\] wrong/);
    const rootless: Plant["host"] = {
      verifyDigests,
      verifyImage: async (...args) => ({ ...(await verifyImage(...args)), mismatches: [] }),
    };
    expect(await foundWith({ host: rootless }, SCENARIOS)).toMatch(/IMAGE: the host found \[\] wrong roots/);
    const credulous: NonNullable<Plant["decorate"]> = (device) =>
      having(device, {
        work: (...args) =>
          device.work(...args).catch((error: unknown) => {
            if (!(error instanceof DeviceError && error.code === "DEVICE_WORK_FALSE")) throw error;
            return { kind: "found", nonce: 0, version: 0, elapsedMs: 0, hashes: 0n, errors: 0 };
          }),
      });
    expect(await foundWith({ decorate: credulous }, SCENARIOS)).toContain("a nonce that does not meet its target");
  });

  it("a device that lied and is still used", async () => {
    const decorate = (device: Driver) =>
      having(device, {
        hash: async (...args) => (await device.hash(...args)).map(() => new Uint8Array(32)),
        info: new Proxy(device.info, {
          get: (info, key) => (key === "id" ? String(Math.random()) : Reflect.get(info, key)),
        }),
      });
    expect(await found(decorate)).toContain("a device that lied is still used");
  });
});
