/** Recording to files: where they come to stand, what is kept, and doing it again. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Case } from "../rig/case.ts";
import { CaseFailure } from "../rig/case.ts";
import type { Target } from "../rig/target.ts";
import { RecordingFile, readRecording, recordingPath } from "./files.ts";
import { record } from "./record.ts";
import { acceptRefreshed, refresh, sidePath } from "./refresh.ts";
import { oneDigest } from "./testing/conversations.ts";
import { FACTS } from "./testing/facts.ts";
import { EVENTS, HEADER, w } from "./testing/samples.ts";
import { missingWasmTools, wasmTarget } from "./testing/wasm-target.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lv06-record-"));
  path = recordingPath(folder, "usb", oneDigest.id);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const options = (change: { seed?: number; replace?: boolean } = {}) => ({
  facts: FACTS,
  seed: 3,
  to: { folder },
  ...change,
});

describe("a recording's file", () => {
  it("is there when it is whole, and not before", () => {
    const file = RecordingFile.create(path, HEADER);
    for (const event of EVENTS) file.add(event);
    expect(existsSync(path)).toBe(false);
    file.finish("passed", 0);
    expect(readRecording(path).events).toEqual(EVENTS);
    expect(readdirSync(join(folder, "usb"))).toEqual(["usb-test-one-digest.ndjson"]);
  });

  it("leaves nothing behind where it was given up", () => {
    const file = RecordingFile.create(path, HEADER);
    file.add(w(1, "x"));
    file.discard();
    file.add(w(2, "y"));
    file.discard();
    expect(readdirSync(join(folder, "usb"))).toEqual([]);
  });

  it("stops at its limit without a word to the traffic, and says so at the end", () => {
    const file = RecordingFile.create(path, HEADER);
    for (let i = 0; i < 200; i++) file.add(w(i, "x".repeat(100_000)));
    expect(() => file.finish("passed", 0)).toThrow("RECORDING_LIMIT");
    expect(readdirSync(join(folder, "usb"))).toEqual([]);
  });

  it("names the folder that it cannot write to", async () => {
    const blocked = join(folder, "file");
    writeFileSync(blocked, "");
    expect(() => RecordingFile.create(join(blocked, "a.ndjson"), HEADER)).toThrow(/file.*RECORDING_WRITE/);
    await chmod(folder, 0o700);
  });

  it("is missing where there is none, and says where", () => {
    expect(() => readRecording(join(folder, "none.ndjson"))).toThrow(/none\.ndjson.*RECORDING_MISSING/);
  });
});

describe.skipIf(missingWasmTools.length > 0)("a case that is recorded", () => {
  const fails: Case<"usb"> = {
    ...oneDigest,
    run: async (bench) => {
      await oneDigest.run(bench);
      throw new CaseFailure("it is not so");
    },
  };

  it("says what it was recorded with", async () => {
    const port = { vendorId: "303a", productId: "4001", bridge: "ESP32-S3 USB CDC", baud: 115_200 };
    const target = { ...(await wasmTarget()), port };
    const facts = { ...FACTS, kernel: "Linux 6.18.5", serialport: "13.0.0" };
    const { path: kept, attempt } = await record(target, oneDigest, { ...options(), facts });
    expect([kept, attempt.verdict]).toEqual([path, "passed"]);
    const { header, end } = readRecording(path);
    expect(header).toMatchObject({
      case: { id: "usb/test/one-digest", suite: "1" },
      target: { name: "wasm-usb", kind: "model" },
      ...{ transport: "usb", simulated: true, seed: 3, framing: "recorded", host: FACTS.host, runtime: "test" },
      ...{ device: { id: "lv06-model" }, port, serialport: "13.0.0" },
    });
    expect(header.kernel).toBeUndefined();
    expect(Math.abs(header.startedUtcMs - Date.now())).toBeLessThan(600_000);
    expect(end).toMatchObject({ verdict: "passed", redacted: 0 });
  });

  it("names the kernel of a real device's computer", async () => {
    const model = await wasmTarget();
    const target: Target<"usb"> = { ...model, kind: "real", identity: { ...model.identity, simulated: false } };
    await record(target, oneDigest, { ...options(), facts: { ...FACTS, kernel: "Linux 6.18.5" } });
    expect(readRecording(path).header.kernel).toBe("Linux 6.18.5");
  });

  it("keeps nothing of a case that fails", async () => {
    const { path: kept, attempt } = await record(await wasmTarget(), fails, options());
    expect([kept, attempt.message]).toEqual([null, "it is not so"]);
    expect(readdirSync(join(folder, "usb"))).toEqual([]);
  });

  it("is not overwritten unless that is wanted", async () => {
    const target = await wasmTarget();
    await record(target, oneDigest, options());
    const before = readFileSync(path);
    await expect(record(target, oneDigest, options({ seed: 4 }))).rejects.toThrow("RECORDING_EXISTS");
    expect(readFileSync(path).equals(before)).toBe(true);
    await record(target, oneDigest, options({ seed: 4, replace: true }));
    expect(readRecording(path).header.seed).toBe(4);
  });

  it("cannot be recorded from a recording", async () => {
    const target: Target<"usb"> = { ...(await wasmTarget()), kind: "replay" };
    await expect(record(target, oneDigest, options())).rejects.toThrow("RECORDING_TARGET");
  });

  it("is recorded anew beside the old one, with the difference, and takes its place when that is said", async () => {
    const target = await wasmTarget();
    await record(target, oneDigest, options());
    const before = readFileSync(path);
    const again = () =>
      refresh(path, (side) => record(target, oneDigest, { ...options({ seed: 9 }), to: { path: side } }));
    const { made } = await again();
    expect(made).toMatchObject({ path: sidePath(path), verified: { digests: 1, wrong: [] } });
    expect(made?.difference?.header).toEqual({ seed: { a: "3", b: "9" } });
    expect(readFileSync(path).equals(before)).toBe(true);
    await expect(again()).rejects.toThrow("RECORDING_EXISTS");
    const careless = refresh(path, (side) =>
      record(target, oneDigest, { ...options({ replace: true }), to: { path: side } }),
    );
    await expect(careless).rejects.toThrow("RECORDING_EXISTS");
    acceptRefreshed(path);
    expect(readRecording(path).header.seed).toBe(9);
    expect(existsSync(sidePath(path))).toBe(false);
    expect(() => acceptRefreshed(path)).toThrow("RECORDING_MISSING");
  });

  it("is refreshed where the old one is broken, and not where there is none, or the case fails", async () => {
    const target = await wasmTarget();
    const again = (one = oneDigest) =>
      refresh(path, (side) => record(target, one, { ...options(), to: { path: side } }));
    await expect(again()).rejects.toThrow("RECORDING_MISSING");
    await record(target, oneDigest, options());
    expect(await again(fails)).toMatchObject({ made: null, attempt: { verdict: "failed" } });
    writeFileSync(path, "{}\n");
    expect(await again()).toMatchObject({ made: { difference: null } });
  });
});
