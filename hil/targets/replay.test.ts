/** A folder of recordings as a target: what it covers, and what becomes of files that are no good. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { encodeRecording } from "../recording/encode.ts";
import { recordingPath } from "../recording/files.ts";
import type { Event, Header } from "../recording/format.ts";
import { EVENTS, HEADER, opened, r, w } from "../recording/testing/samples.ts";
import { tryOn } from "../recording/testing/try-on.ts";
import { type Case, usbCase } from "../rig/case.ts";
import { replayStratumTarget, replayUsbTarget } from "./replay.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lv06-replay-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function caseOf(id: string, change: Partial<Case<"usb">> = {}): Case<"usb"> {
  const run = async (bench: Parameters<Case<"usb">["run"]>[0]) => {
    const line = await bench.connect();
    const answered = new Promise<void>((resolve) => line.onChunk(() => resolve()));
    await line.write(Buffer.from("ask\n"));
    await bench.settle(answered, 1000);
  };
  return usbCase({ ...{ id, title: id, spec: [], level: "MUST", needs: ["hash"] }, run, ...change });
}

const ONE = caseOf("usb/test/one");
const ASKS: readonly Event[] = [opened(1), w(2, "ask\n"), r(3, "answer\n")];

function put(one: Case<"usb">, bytes: Uint8Array | string): string {
  const path = recordingPath(folder, "usb", one.id);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
}

const file = (one: Case<"usb">, change: Partial<Header> = {}, events = ASKS) =>
  encodeRecording({ ...HEADER, case: { id: one.id, suite: "1" }, ...change }, events);

describe("recordings as a target", () => {
  it("run the cases that they are of", async () => {
    put(ONE, file(ONE));
    const target = replayUsbTarget({ folder });
    expect(target).toMatchObject({
      name: "replay-usb",
      kind: "replay",
      identity: { id: "lv06-model", simulated: true },
    });
    expect(target.covers(ONE)).toEqual({ runs: true });
    expect(await tryOn(target, ONE)).toMatchObject({ verdict: "passed" });
  });

  it("say what is missing, and what does not apply", () => {
    put(ONE, file(ONE));
    const target = replayUsbTarget({ folder });
    expect(target.covers(caseOf("usb/test/two"))).toMatchObject({ runs: false, verdict: "missing" });
    const needsWork = caseOf("usb/test/two", { needs: ["work"] });
    expect(target.covers(needsWork)).toMatchObject({ verdict: "not-applicable", reason: "the device has no work" });
    const spoils = caseOf("usb/test/one", { can: ["faults"] });
    put(ONE, file(ONE, { can: ["restart", "faults"] }));
    expect(target.covers(spoils)).toMatchObject({ verdict: "not-applicable" });
  });

  it("have no case run of which only a part is known, because the rest is a secret", () => {
    const key = encodeFrame({ seq: 1, verb: "KEY", args: ["33".repeat(32)] }).toString("latin1");
    const answer = encodeFrame({ seq: 1, verb: "OK", args: ["1a2b3c4d", "redacted"] }).toString("latin1");
    const events = [opened(1), w(2, key), r(3, answer)];
    put(ONE, encodeRecording({ ...HEADER, case: { id: ONE.id, suite: "1" } }, events, "passed", 1));
    expect(replayUsbTarget({ folder }).covers(ONE)).toMatchObject({ runs: false, verdict: "not-applicable" });
  });

  it("are absent where there are none", () => {
    expect(() => replayUsbTarget({ folder })).toThrow("RECORDING_MISSING");
    expect(() => replayStratumTarget({ folder: join(folder, "nowhere") })).toThrow("RECORDING_MISSING");
  });
});

describe("a file that is no good", () => {
  const verdictOf = async (bytes: Uint8Array | string) => {
    const path = put(ONE, bytes);
    const target = replayUsbTarget({ folder });
    expect(target.covers(ONE)).toEqual({ runs: true });
    const { verdict, code, message } = await tryOn(target, ONE);
    expect(verdict).toBe("failed");
    // What a person needs to find it.
    if (code !== "RECORDING_MISMATCH" && code !== "RECORDING_LEFTOVER") expect(message).toContain(path);
    return code;
  };

  it("fails its case by name, and is never passed", async () => {
    const good = file(ONE);
    expect(await verdictOf("")).toBe("RECORDING_EMPTY");
    expect(await verdictOf("hello\n")).toBe("RECORDING_FORM");
    expect(await verdictOf(good.subarray(0, -50))).toBe("RECORDING_TRUNCATED");
    expect(await verdictOf(Buffer.from(good.toString().replace("answer", "anther")))).toBe("RECORDING_EDITED");
    expect(await verdictOf(good.toString().replace("recording/1", "recording/2"))).toBe("RECORDING_VERSION");
    expect(await verdictOf(file(caseOf("usb/test/other")))).toBe("RECORDING_OTHER");
    expect(await verdictOf(file(ONE, { transport: "stratum" }))).toBe("RECORDING_OTHER");
    const stranger = encodeFrame({ seq: 1, verb: "OK", args: ["1a2b3c4d", "proto=1", "device=a0b1c2d3e4f5"] });
    expect(await verdictOf(file(ONE, {}, [...ASKS, r(4, stranger.toString("latin1"))]))).toBe("RECORDING_OTHER");
    expect(await verdictOf(encodeRecording({ ...HEADER, case: { id: ONE.id, suite: "1" } }, ASKS, "failed"))).toBe(
      "RECORDING_FAILED",
    );
    // What a header or an end makes up must not have the case called "not applicable".
    const without = { device: { ...HEADER.device, capabilities: [] } };
    expect(await verdictOf(file(ONE, without))).toBe("RECORDING_OTHER");
    const sealed = { ...HEADER, case: { id: ONE.id, suite: "1" } };
    expect(await verdictOf(encodeRecording(sealed, ASKS, "passed", 1))).toBe("RECORDING_EDITED");
    expect(await verdictOf(file(ONE, {}, ASKS.slice(1)))).toBe("RECORDING_FORM");
    expect(await verdictOf(file(ONE, {}, []))).toBe("RECORDING_EMPTY");
    expect(await verdictOf(file(ONE, {}, EVENTS))).toBe("RECORDING_MISMATCH");
    expect(await verdictOf(file(ONE, {}, [...ASKS, w(5, "more\n")]))).toBe("RECORDING_LEFTOVER");
  });
});
