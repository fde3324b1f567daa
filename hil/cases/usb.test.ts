/** The USB cases themselves: on the model device they pass, and on a device with a defect those fail that are for it. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { sha256 } from "../../host/device/digest.ts";
import { buildModel } from "../../host/device/testing/firmware.ts";
import type { Transport } from "../../host/device/transport.ts";
import { UsbDevice } from "../../host/device/usb/usb-device.ts";
import type { Target } from "../rig/target.ts";
import { openModelUsb } from "../targets/model-usb.ts";
import { DEFECTS } from "./usb/testing/defects.ts";
import { USB_CASES } from "./usb.ts";

const SEED = 7;
let target: Target<"usb">;
beforeAll(async () => {
  await buildModel();
  target = await openModelUsb();
});
afterAll(() => target.close());

/** What the case found wrong; undefined if nothing. */
async function run(id: string, wrap = (line: Transport) => line): Promise<string | undefined> {
  const one = USB_CASES.find((each) => each.id === id);
  if (one === undefined) throw new Error(`no case ${id}`);
  const opened = await target.open(one, SEED);
  const bench = { ...opened.bench, connect: async () => wrap(await opened.bench.connect()) };
  try {
    await one.run(bench);
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    await opened.close();
  }
}

describe("the USB cases", () => {
  it("have ids of their own, and paragraphs that SPEC.md has", () => {
    const spec = readFileSync(new URL("../../firmware-spec/SPEC.md", import.meta.url), "utf8");
    const paragraphs = new Set([...spec.matchAll(/^#{2,3} ([0-9]+(?:\.[0-9]+)?)/gm)].map((match) => match[1]));
    expect(new Set(USB_CASES.map(({ id }) => id)).size).toBe(USB_CASES.length);
    for (const { id, spec: refers } of USB_CASES) {
      expect(id).toMatch(/^usb\/[a-z]+\/[a-z0-9-]+$/);
      expect(refers.length).toBeGreaterThan(0);
      for (const each of refers) expect(each.startsWith("DESIGN ") || paragraphs.has(each.slice(5)), each).toBe(true);
    }
  });

  it("pass on the model device, every one that applies to it", async () => {
    const failed: Record<string, string> = {};
    let ran = 0;
    for (const one of USB_CASES) {
      if (!target.covers(one).runs) continue;
      const problem = await run(one.id);
      ran += 1;
      if (problem !== undefined) failed[one.id] = problem;
    }
    expect(failed).toEqual({});
    expect(ran).toBe(USB_CASES.length - 1);
  });

  it("ask for the hash power of a miner where a model has none", () => {
    const one = USB_CASES.find(({ id }) => id === "usb/work/rate-of-an-asic");
    if (one === undefined) throw new Error("no such case");
    expect(target.covers(one)).toMatchObject({ runs: false, verdict: "not-applicable" });
  });
});

describe("a device with a defect fails its cases", () => {
  it.each(DEFECTS.flatMap(({ name, fails, wrap }) => fails.map((id) => ({ name, id, wrap }))))(
    "$name: $id",
    async ({ id, wrap }) => {
      expect(await run(id)).toBeUndefined();
      expect(await run(id, wrap)).toBeDefined();
    },
  );

  it.each(["usb/hash/crosses-the-line", "usb/hash/stops-when-cut", "usb/hash/tells-a-wrong-one"])(
    "a host that hashes in the device's place: %s",
    async (id) => {
      const hash = vi.spyOn(UsbDevice.prototype, "hash").mockImplementation(async (blocks) => blocks.map(sha256));
      try {
        expect(await run(id)).toMatch(/CaseFailure/);
      } finally {
        hash.mockRestore();
      }
    },
  );
});
