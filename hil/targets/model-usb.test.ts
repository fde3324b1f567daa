import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../host/device/clock.ts";
import { buildModel } from "../../host/device/testing/firmware.ts";
import { openDevice } from "../cases/usb/support/driver.ts";
import { USB_CASES } from "../cases/usb.ts";
import type { UsbBench } from "../rig/bench.ts";
import { type Case, usbCase } from "../rig/case.ts";
import type { Target } from "../rig/target.ts";
import { openMinimalUsb, openModelUsb } from "./model-usb.ts";
import { runOn } from "./testing/run-on.ts";

const PLAIN = usbCase({ id: "usb/test/plain", title: "", spec: [], level: "MUST", needs: [], run: async () => {} });
const RATED: Case<"usb"> = { ...PLAIN, can: ["rate"] };
let target: Target<"usb">;
beforeAll(async () => {
  await buildModel();
  target = await openModelUsb();
});
afterAll(() => target.close());

async function on(one: Case<"usb">, seed: number, work: (bench: UsbBench) => Promise<void>): Promise<void> {
  const opened = await target.open(one, seed);
  try {
    await work(opened.bench);
  } finally {
    await opened.close();
  }
}

const caseOf = (id: string) => {
  const one = USB_CASES.find((each) => each.id === id);
  if (one === undefined) throw new Error(`no case ${id}`);
  return one;
};

describe("the minimal model", () => {
  /** Of each paragraph that the minimal profile has to do with, and those that were wrong about it once. */
  const TRIED = [
    ...["usb/hello/complete", "usb/ping/answered", "usb/hash/boundaries", "usb/request/not-announced"],
    ...["usb/host/words-too-many", "usb/host/hello-newer", "usb/boot/notice", "usb/line/short-answers"],
    ...["usb/faults/lost-lines", "usb/faults/merged-lines", "usb/lies/swapped-answers"],
  ];

  it("knows HELLO and HASH only, and is found conforming", async () => {
    const minimal = await openMinimalUsb();
    try {
      expect(minimal.identity).toMatchObject({ id: "lv06-model-minimal", simulated: true });
      expect([...minimal.identity.capabilities]).toEqual(["hash"]);
      expect(minimal.covers({ ...PLAIN, needs: ["batch"] })).toMatchObject({ verdict: "not-applicable" });
      expect(minimal.covers(RATED)).toMatchObject({ verdict: "not-applicable" });
      for (const id of TRIED) expect(await runOn(minimal, caseOf(id)), id).toBeNull();
    } finally {
      await minimal.close();
    }
  });
});

describe("the model target", () => {
  it("is absent by name where the model is not built", async () => {
    await expect(openModelUsb({ program: "/nowhere/lv06-model" })).rejects.toMatchObject({ code: "DEVICE_MODEL" });
  });

  it("says that it is simulated, and what any of its variants can", () => {
    expect(target.identity).toMatchObject({ id: "lv06-model", simulated: true });
    expect(target.identity.capabilities).toContain("baud");
    expect(target.covers(RATED)).toEqual({ runs: true });
    expect(target.covers({ ...PLAIN, can: ["hash-power"] })).toMatchObject({ runs: false });
  });

  it("is soon out of nonces where a search may not change the version", async () => {
    expect(await runOn(target, caseOf("usb/work/exhausted"))).toBeNull();
  });

  it("is a fresh device of its case's seed every time", async () => {
    const boots = new Set<string>();
    for (const seed of [17, 17, 18]) {
      await on(PLAIN, seed, async (bench) => {
        const device = await openDevice(bench);
        expect(device.info.id).toBe(`lv06-model-000000${seed.toString(16)}`);
        boots.add(device.info.bootId);
      });
    }
    expect(boots.size).toBe(3);
  });

  it("is opened as soon as its port is free, should it be locked yet", async () => {
    await on(PLAIN, 1, async (bench) => {
      const first = await bench.connect();
      const second = bench.connect();
      setTimeout(() => void first.close(), 100);
      const device = await second;
      await device.close();
    });
  });

  it("is a UART for a case that asks for a rate, and native USB for others", async () => {
    await on(PLAIN, 1, async (bench) => {
      expect((await openDevice(bench)).info.capabilities.has("baud")).toBe(false);
      expect(bench.can.has("rate")).toBe(false);
    });
    await on(RATED, 1, async (bench) => {
      expect((await openDevice(bench)).info.capabilities.has("baud")).toBe(true);
      expect(bench.can.has("rate")).toBe(true);
    });
  });

  it("comes back under another name when its plug was pulled", async () => {
    await on(PLAIN, 1, async (bench) => {
      const before = await bench.connect();
      const end = new Promise<Error>((resolve) => before.onClose(resolve));
      await bench.act("replug");
      await end;
      expect((await bench.connect()).name).not.toBe(before.name);
    });
  });

  it("collects latencies and what passed, and waits no longer than it is told", async () => {
    const opened = await target.open(PLAIN, 1);
    await openDevice(opened.bench);
    opened.bench.measured("x", 1);
    opened.bench.measured("x", 2);
    expect(opened.latencies()).toEqual({ x: [1, 2] });
    expect(opened.last().map(({ direction }) => direction)).toContain("read");
    const never = new Promise<void>(() => {});
    await expect(opened.bench.settle(never, 20)).rejects.toMatchObject({ code: "RIG_DEADLINE" });
    await opened.close();
  });

  it("tells of a model that ended by itself", async () => {
    const opened = await target.open(PLAIN, 1);
    const line = await opened.bench.connect();
    const gone = new Promise<Error>((resolve) => line.onClose(resolve));
    // The model ends with SIGTERM as with an error of its own.
    for (const pid of await modelsOf(process.pid)) process.kill(pid, "SIGTERM");
    await gone;
    await new Promise((resolve) => systemClock.after(100, () => resolve(undefined)));
    await expect(opened.close()).rejects.toMatchObject({ code: "RIG_MODEL_DIED" });
  });
});

/** Children of this process that are models. */
async function modelsOf(parent: number): Promise<number[]> {
  const { readFile, readdir } = await import("node:fs/promises");
  const pids = (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")));
  return stats.flatMap((stat, at) => {
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return stat.includes("(lv06-model)") && fields[1] === String(parent) ? [Number(pids[at])] : [];
  });
}
