import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../host/device/clock.ts";
import { buildModel } from "../../host/device/testing/firmware.ts";
import type { Transport } from "../../host/device/transport.ts";
import type { Event } from "../recording/format.ts";
import { tapedUsb } from "../recording/recorded-bench.ts";
import type { Case } from "../rig/case.ts";
import type { Target } from "../rig/target.ts";
import { openModelUsb } from "../targets/model-usb.ts";
import { underFaults } from "./bench.ts";
import { FAULT_CASES } from "./cases.ts";
import { LIE_CASES } from "./cases-lies.ts";
import { faulty } from "./faulty.ts";
import { parseFaults } from "./text.ts";

const SEED = 7;
let target: Target<"usb">;
beforeAll(async () => {
  await buildModel();
  target = await openModelUsb();
});
afterAll(() => target.close());

/** What the case found wrong; undefined if nothing. */
async function run(one: Case<"usb">, wrap = (line: Transport) => line): Promise<string | undefined> {
  const opened = await target.open(one, SEED);
  try {
    await one.run({ ...opened.bench, connect: async () => wrap(await opened.bench.connect()) });
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    await opened.close();
  }
}

const named = (name: string) => {
  const one = FAULT_CASES.find(({ id }) => id.endsWith(`/${name}`));
  if (one === undefined) throw new Error(`no case ${name}`);
  return one;
};

describe("the fault cases", () => {
  it("have ids of their own, paragraphs that SPEC.md has, and need a line that can fail", () => {
    const spec = readFileSync(new URL("../../firmware-spec/SPEC.md", import.meta.url), "utf8");
    const paragraphs = new Set([...spec.matchAll(/^#{2,3} ([0-9]+(?:\.[0-9]+)?)/gm)].map((match) => match[1]));
    expect(new Set(FAULT_CASES.map(({ id }) => id)).size).toBe(FAULT_CASES.length);
    expect(FAULT_CASES.length).toBeGreaterThanOrEqual(20);
    for (const { id, spec: refers, can } of FAULT_CASES) {
      expect(id).toMatch(/^usb\/[a-z]+\/[a-z0-9-]+$/);
      expect(can).toContain("faults");
      for (const each of refers) expect(each.startsWith("DESIGN ") || paragraphs.has(each.slice(5)), each).toBe(true);
    }
  });

  it("pass on the model device: every lie, and one of each sort of trouble", async () => {
    const tried = ["flipped-bits", "doubled-lines", "every-split", "unplugged", "crash-mid-batch", "half-open"];
    for (const one of [...LIE_CASES, ...tried.map(named)]) expect(await run(one), one.id).toBeUndefined();
  });

  it("fail when a wrong digest is taken, with the plan that they were tried under", async () => {
    const plan = parseFaults("forge@read afterBytes=200 times=1");
    const liar = (line: Transport) => faulty(line, plan, { clock: systemClock });
    expect(await run(named("doubled-lines"), liar)).toMatch(
      /wrong digests of blocks \d+ were taken; under seed=\d+; duplicate@write from=ready/,
    );
  });
});

describe("any case under any plan", () => {
  const one = named("doubled-lines");
  const FORGED = "split@both bytes=3; forge@read afterBytes=200 times=1";

  it("fails for what the plan does, and its recording says what that was", async () => {
    const events: Event[] = [];
    const opened = await target.open(one, SEED);
    const taped = tapedUsb(opened.bench, { add: (event) => events.push(event), seed: SEED, exact: false });
    const under = underFaults(`seed=4; ${FORGED}`).wrap?.({ ...opened, bench: taped.bench }, of(SEED)) ?? opened;
    try {
      await expect(one.run(under.bench)).rejects.toThrow("wrong digests of blocks");
      expect(under.notes?.()).toEqual([
        `under seed=4; ${["write", "read"].map((way) => `split@${way} bytes=3`).join("; ")}; forge@read times=1 afterBytes=200`,
      ]);
    } finally {
      await taped.stop();
      await opened.close();
    }
    const faults = events.flatMap((event) => (event.code === "x" ? [event.fault.kind] : []));
    expect(new Set(faults)).toEqual(new Set(["split", "forge", "duplicate"]));
    expect(events.filter((event) => event.code === "m")).toEqual([expect.objectContaining({ text: "ready" })]);
  });

  it("has luck of its own in every case where the plan names none", async () => {
    const plans = await Promise.all(
      [1, 2].map(async (seed) => {
        const opened = await target.open(one, seed);
        const notes = underFaults(FORGED).wrap?.(opened, of(seed)).notes?.();
        await opened.close();
        return notes?.[0];
      }),
    );
    expect(plans).toEqual([expect.stringContaining("seed=1;"), expect.stringContaining("seed=2;")]);
  });

  const of = (seed: number) => ({ target, one, seed, attempt: 1 });
});
