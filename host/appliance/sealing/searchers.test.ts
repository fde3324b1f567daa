import { describe, expect, test } from "vitest";
import type { Device, WorkJob, WorkOptions, WorkOutcome } from "../../device/device.ts";
import { DeviceError } from "../../device/errors.ts";
import { sha256d } from "../../work/header.ts";
import { meetsTarget } from "../../work/target.ts";
import { UsbSearcher } from "./searchers.ts";

const TINY = 2 ** -28;
const commitment = new Uint8Array(32).fill(3);
const never = new AbortController().signal;

/** A device whose searches end as they are told to. */
function rig(work: (job: WorkJob, options: WorkOptions) => Promise<WorkOutcome>, simulated = true) {
  const judged: string[] = [];
  const troubles: string[] = [];
  const device = {
    kind: "usb",
    info: { id: "lv06-1", firmware: "f", simulated, capabilities: new Set(["work"]), bootId: "", maxBlockBytes: 0 },
    work,
  } as unknown as Device;
  const searcher = new UsbSearcher(
    { current: () => device, judged: (_, { kind }) => void judged.push(kind) },
    { real: 256, simulated: TINY },
    {
      utcMs: () => 1_700_000_000_000,
      random: (count) => new Uint8Array(count),
      nowMs: () => performance.now(),
      onTrouble: (code) => void troubles.push(code),
    },
  );
  return { searcher, judged, troubles };
}

const progress = { elapsedMs: 5, hashes: 16n, errors: 0 };

async function find({ header, target }: WorkJob): Promise<WorkOutcome> {
  const tried = Buffer.from(header);
  for (let nonce = 0; ; nonce++) {
    tried.writeUInt32LE(nonce, 76);
    if (meetsTarget(sha256d(tried), target)) return { kind: "found", nonce, version: 0x20000000, ...progress };
  }
}

describe("a search by the serial device", () => {
  test("gives the work, the device and the difficulty that its kind is asked for", async () => {
    const { searcher, judged } = rig(find);
    expect(searcher.presence()).toBe("simulated");
    const found = await searcher.seek({ commitment, simulated: true }, never);
    expect(found).toMatchObject({ device: { kind: "usb", simulated: true, name: "lv06-1" }, difficulty: TINY });
    expect(judged).toEqual(["right"]);
  });

  test("that the device gives up speaks against the device, and is told", async () => {
    const { searcher, judged, troubles } = rig(async () => ({ kind: "failed", ...progress }));
    expect(await searcher.seek({ commitment, simulated: true }, never)).toBeNull();
    expect([judged, troubles]).toEqual([["failed"], ["DEVICE_REFUSED"]]);
  });

  test("that fails is told, and never throws", async () => {
    const { searcher, judged, troubles } = rig(async () => {
      throw new DeviceError("DEVICE_DEADLINE", "no answer");
    });
    expect(await searcher.seek({ commitment, simulated: true }, never)).toBeNull();
    expect([judged, troubles]).toEqual([["failed"], ["DEVICE_DEADLINE"]]);
  });

  test("waits for the one before to have stopped: the device takes one at a time", async () => {
    let running = 0;
    let most = 0;
    const { searcher } = rig(async (_, { signal }) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => signal?.addEventListener("abort", () => setTimeout(resolve, 20)));
      running -= 1;
      return { kind: "stopped", ...progress };
    });
    const stops = [new AbortController(), new AbortController()];
    const searches = stops.map(({ signal }) => searcher.seek({ commitment, simulated: true }, signal));
    await Promise.resolve();
    stops[0]?.abort();
    await searches[0];
    stops[1]?.abort();
    expect(await Promise.all(searches)).toEqual([null, null]);
    expect(most).toBe(1);
  });

  test("is expected to take longer once it has taken longer", async () => {
    const { searcher } = rig(async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return { kind: "expired", ...progress };
    });
    const before = searcher.expectedMs(true) ?? 0;
    for (let i = 0; i < 3; i++) await searcher.seek({ commitment, simulated: true }, never);
    expect(searcher.expectedMs(true)).toBeGreaterThan(before);
    expect(searcher.expectedMs(false)).toBeNull();
  });
});
