import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PairChange, parseUndo, planPairing, planUndo, unpaired } from "./pair.ts";
import { PAYLOADS } from "./testing/payloads.ts";

const BRIDGE = { host: "192.168.1.20", port: 3333, worker: "lv06" } as const;

function change(info: unknown): PairChange {
  const plan = planPairing(info, BRIDGE);
  if (plan.kind !== "change") throw new Error(`planned ${plan.kind}`);
  return plan;
}

describe("a plan for older firmware", () => {
  test("sets the primary pool and nothing that the miner does not report", () => {
    expect(change(PAYLOADS["v2.1.8"]).patch).toEqual({
      stratumURL: "192.168.1.20",
      stratumPort: 3333,
      stratumUser: "lv06",
    });
    expect(change(PAYLOADS["v2.14"]).patch).toEqual({
      stratumURL: "192.168.1.20",
      stratumPort: 3333,
      stratumUser: "lv06",
      stratumProtocol: "SV1",
      stratumTLS: 0,
      useFallbackStratum: 0,
    });
  });

  test("keeps all that it changes for the undo, and no password", () => {
    const { patch, undo } = change(PAYLOADS["v2.14"]);
    expect(Object.keys(undo.settings).sort()).toEqual(Object.keys(patch).sort());
    expect(undo.settings).toMatchObject({ stratumURL: "pool.example", stratumPort: 3333, stratumUser: "owner.lv06" });
    const stock = change(PAYLOADS.Lucky);
    expect(JSON.stringify(stock)).not.toContain("secret");
    expect(JSON.stringify(stock)).not.toContain('assword"');
  });

  test("is refused where the present pool is not told: it could not be undone", () => {
    expect(planPairing(PAYLOADS.whitepaper, BRIDGE).kind).toBe("unsupported");
    expect(planPairing({}, BRIDGE).kind).toBe("unsupported");
    expect(planPairing({ ...PAYLOADS["v2.4"], stratumPort: "3333" }, BRIDGE).kind).toBe("unsupported");
  });
});

describe("a plan for v2.15", () => {
  test("gives the bridge a free slot, and makes the owner's pool the fallback", () => {
    const { patch, undo } = change(PAYLOADS["v2.15"]);
    expect(patch).toMatchObject({
      pools: [{ id: 2, stratumURL: "192.168.1.20", stratumPort: 3333, stratumUser: "lv06", stratumProtocol: "SV1" }],
      primaryPoolIndex: 2,
      secondaryPoolIndex: 0,
      useFallbackStratum: 0,
    });
    expect(patch).not.toHaveProperty("stratumURL");
    expect(undo).toMatchObject({
      layout: "slots",
      slot: 2,
      settings: { primaryPoolIndex: 0, secondaryPoolIndex: 1, useFallbackStratum: 0 },
    });
  });

  test("never touches a slot of the owner's, whichever are in use", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { minLength: 1 }),
        fc.nat(7),
        fc.nat(7),
        (ids, p, s) => {
          const pools = ids.map((id) => ({ id, stratumURL: `p${id}.example`, stratumPort: 1, stratumUser: "u" }));
          const plan = planPairing({ pools, primaryPoolIndex: p, secondaryPoolIndex: s }, BRIDGE);
          if (plan.kind !== "change") {
            expect(new Set([...ids, p, s]).size).toBe(8);
            return;
          }
          const [slot] = plan.patch.pools as { id: number }[];
          expect([...ids, p, s]).not.toContain(slot?.id);
          expect(plan.patch.primaryPoolIndex).toBe(slot?.id);
          expect(plan.patch.secondaryPoolIndex).not.toBe(slot?.id);
        },
      ),
    );
  });

  test("takes the slot that is the bridge already, and does not delete it afterwards", () => {
    const own = { id: 5, stratumURL: BRIDGE.host, stratumPort: BRIDGE.port, stratumUser: BRIDGE.worker };
    const info = { ...PAYLOADS["v2.15"], pools: [...(PAYLOADS["v2.15"].pools as object[]), own] };
    const { patch, undo } = change(info);
    expect(patch.primaryPoolIndex).toBe(5);
    expect(undo.slot).toBeNull();
  });

  test("is refused when all eight are in use", () => {
    const pools = Array.from({ length: 8 }, (_, id) => ({ id, stratumURL: "p", stratumPort: 1, stratumUser: "u" }));
    const plan = planPairing({ ...PAYLOADS["v2.15"], pools }, BRIDGE);
    expect(plan).toMatchObject({ kind: "unsupported", reason: /eight/ });
  });
});

describe("any plan", () => {
  test("is that there is nothing to do, when it is set already", () => {
    const paired = { ...PAYLOADS["v2.12"], ...change(PAYLOADS["v2.12"]).patch };
    expect(planPairing(paired, BRIDGE).kind).toBe("already");
    expect(unpaired(PAYLOADS["v2.12"], BRIDGE)).toEqual(["pool"]);
  });

  test("does not take a pool over TLS or Stratum V2 for the bridge", () => {
    const paired = { ...PAYLOADS["v2.14"], ...change(PAYLOADS["v2.14"]).patch };
    expect(unpaired(paired, BRIDGE)).toEqual([]);
    for (const other of [{ stratumTLS: 1 }, { stratumTLS: true }, { stratumProtocol: "SV2" }]) {
      expect(unpaired({ ...paired, ...other }, BRIDGE)).toContain("pool");
    }
    expect(unpaired({ ...paired, useFallbackStratum: true }, BRIDGE)).toEqual(["useFallbackStratum"]);
  });

  test.each([
    { host: "stratum+tcp://192.168.1.20" },
    { host: "192.168.1.20:3333" },
    { host: "" },
    { port: 0 },
    { port: 65_536 },
    { worker: "" },
    { worker: "two words" },
    { worker: "x".repeat(65) },
  ])("refuses a bridge with %o", (wrong) => {
    expect(() => planPairing(PAYLOADS["v2.12"], { ...BRIDGE, ...wrong })).toThrow(
      expect.objectContaining({ code: "AXEOS_PAIR_OPTION" }),
    );
  });

  test("never throws for whatever the miner says", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.record({ pools: fc.jsonValue(), primaryPoolIndex: fc.jsonValue() })),
        (info) => {
          expect(["already", "change", "unsupported"]).toContain(planPairing(info, BRIDGE).kind);
          expect(unpaired(info, BRIDGE)).toContain("pool");
        },
      ),
    );
  });
});

describe("an undo", () => {
  const { undo, patch } = change(PAYLOADS["v2.12"]);
  const paired = { ...PAYLOADS["v2.12"], ...patch };

  test("is the same after it has been kept in a file", () => {
    expect(parseUndo(JSON.stringify(undo))).toEqual(undo);
    for (const text of ["", "{}", JSON.stringify({ ...undo, slot: 9 }), JSON.stringify({ ...undo, extra: 1 })]) {
      expect(() => parseUndo(text)).toThrow(expect.objectContaining({ code: "AXEOS_UNDO_REFUSED" }));
    }
  });

  test("sets back what was", () => {
    expect(planUndo(paired, undo)).toEqual({ kind: "change", patch: undo.settings, deleteSlot: null });
  });

  test("is refused for another miner, another pool and other firmware", () => {
    expect(planUndo({ ...paired, macAddr: "02:00:00:00:00:07" }, undo)).toMatchObject({ why: "other-miner" });
    expect(planUndo({ ...paired, macAddr: undefined }, undo)).toMatchObject({ why: "other-miner" });
    expect(planUndo({ ...paired, stratumURL: "new.example" }, undo)).toMatchObject({ why: "other-pool" });
    expect(planUndo(PAYLOADS["v2.15"], undo)).toMatchObject({ why: "other-miner" });
  });
});
