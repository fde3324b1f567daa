/** Recorded and played back: in this process under a turned clock, and with the model device over its terminal. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sleep } from "../../host/device/clock.ts";
import { STRATUM_CASES } from "../cases/stratum.ts";
import { USB_CASES } from "../cases/usb.ts";
import { PATIENCE, tryCase } from "../rig/attempt.ts";
import type { UsbBench } from "../rig/bench.ts";
import { type Case, stratumCase } from "../rig/case.ts";
import { redactedId } from "../rig/hidden-id.ts";
import type { Target } from "../rig/target.ts";
import { modelStratum } from "../targets/model-stratum.ts";
import { openModelUsb } from "../targets/model-usb.ts";
import { replayStratumTarget, replayUsbTarget } from "../targets/replay.ts";
import { readRecording, recordingPath } from "./files.ts";
import type { Control, Recording } from "./format.ts";
import { Recorder, record } from "./record.ts";
import { replayUsb } from "./replay-usb.ts";
import { messagesOf } from "./stratum-text.ts";
import { asksKey, everything, oneDigest } from "./testing/conversations.ts";
import { FACTS } from "./testing/facts.ts";
import { tryOn } from "./testing/try-on.ts";
import { missingWasmTools, wasmTarget } from "./testing/wasm-target.ts";
import { verifyRecording } from "./verify.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lv06-recording-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function recordOn(target: Target<"usb">, one: Case<"usb">): Promise<Recording> {
  const { attempt } = await record(target, one, { facts: FACTS, seed: 5, to: { folder }, replace: true });
  expect(attempt.message).toBeNull();
  return readRecording(recordingPath(folder, "usb", one.id));
}

/** Everything that passes in a playback, with its virtual times. */
async function playback(recording: Recording, one: Case<"usb">): Promise<string> {
  const opened = replayUsb(recording);
  const passed: unknown[] = [];
  const { bench } = opened;
  await one.run({
    ...bench,
    connect: async () => {
      const line = await bench.connect();
      const { setRate } = line;
      return {
        name: line.name,
        write: (bytes) => {
          passed.push([bench.clock.nowMs(), "w", Buffer.from(bytes).toString("latin1")]);
          return line.write(bytes);
        },
        onChunk: (listener) =>
          line.onChunk((chunk) => {
            passed.push([bench.clock.nowMs(), "r", Buffer.from(chunk).toString("latin1")]);
            listener(chunk);
          }),
        onClose: (listener) => line.onClose(listener),
        close: () => line.close(),
        ...(setRate === undefined ? {} : { setRate: (baud: number) => setRate.call(line, baud) }),
      };
    },
  });
  await opened.close();
  return JSON.stringify(passed);
}

function asRecorded({ events }: Recording): string {
  const bytes = events.flatMap((event) =>
    event.code === "w" || event.code === "r" ? [[event.atUs / 1000, event.code, event.bytes.toString("latin1")]] : [],
  );
  return JSON.stringify(bytes);
}

describe.skipIf(missingWasmTools.length > 0)("a recording of the core in this process", () => {
  it("plays back with every byte at its recorded time", async () => {
    const recording = await recordOn(await wasmTarget(), everything);
    expect(await playback(recording, everything)).toBe(asRecorded(recording));
  });

  it("plays back where the line has rates and the host climbs", async () => {
    const recording = await recordOn(await wasmTarget({ uart: true }), everything);
    expect(recording.events.filter((event) => event.code === "c" && event.control.op === "baud")).not.toEqual([]);
    expect(await playback(recording, everything)).toBe(asRecorded(recording));
  });

  it("says at which rate a line began, what the host did with modem lines, and what a case measured and where it was", async () => {
    const marking = {
      ...oneDigest,
      run: async (bench: UsbBench) => {
        bench.note({ mark: "begins" });
        await oneDigest.run(bench);
        bench.measured("digest", 1.25);
      },
    };
    const target = await wasmTarget();
    const withLines: Target<"usb"> = {
      ...target,
      open: async (one, seed) => {
        const opened = await target.open(one, seed);
        const connect = async () =>
          Object.assign(await opened.bench.connect(), { lines: { dtr: false, rts: true }, startBaud: 115_200 });
        return { ...opened, bench: { ...opened.bench, connect } };
      },
    };
    const recording = await recordOn(withLines, marking);
    const said = recording.events.flatMap((event): (string | Control)[] => {
      if (event.code === "m") return [event.text];
      return event.code === "c" ? [event.control] : [];
    });
    expect(said).toEqual([
      "begins",
      { op: "open", rated: false, baud: 115_200 },
      { op: "lines", dtr: false, rts: true },
      { op: "close", by: "host", reason: "the line was closed" },
      "digest took 1.250 ms",
    ]);
    expect(await playback(recording, marking)).toBe(asRecorded(recording));
  });

  it("holds true digests and a true proof", async () => {
    const recording = await recordOn(await wasmTarget(), everything);
    // 40 and 1 blocks, 2 and 2 roots, 16 digests of scale 8.
    expect(verifyRecording(recording)).toEqual({ digests: 61, proofs: 1, wrong: [], unchecked: 0 });
  });

  it("holds no key, and is then not played back", async () => {
    const target = await wasmTarget();
    const recording = await recordOn(target, asksKey);
    expect(recording.end.redacted).toBe(1);
    const said = recording.events.map((event) => (event.code === "r" ? event.bytes.toString("latin1") : "")).join("");
    expect(said).toMatch(/OK [0-9a-f]{8} redacted [0-9a-f]{8}\n/);
    expect(said).not.toMatch(/OK [0-9a-f]{8} [0-9a-f]{64}/);
    const covers = replayUsbTarget({ folder }).covers(asksKey);
    expect(covers).toMatchObject({ runs: false, verdict: "not-applicable" });
  });
});

describe("a recording of a simulated miner over TCP", () => {
  const stock = modelStratum({ miner: "stock" });
  const caseOf = (id: string) => STRATUM_CASES.find((one) => one.id === id) ?? expect.unreachable(id);
  const recordMiner = async (one: Case<"stratum">, target = stock) => {
    const { attempt } = await record(target, one, { facts: FACTS, seed: 5, to: { folder }, replace: true });
    expect(attempt.message).toBeNull();
    return readRecording(recordingPath(folder, "stratum", one.id));
  };

  it.each(["stratum/share/commitment", "stratum/job/keepalive", "stratum/line/reconnect", "stratum/line/in-pieces"])(
    "plays back: %s",
    async (id) => {
      const recording = await recordMiner(caseOf(id));
      expect(verifyRecording(recording)).toMatchObject({ wrong: [], unchecked: 0 });
      const replay = replayStratumTarget({ folder });
      for (let i = 0; i < 5; i++) expect(await tryOn(replay, caseOf(id))).toMatchObject({ verdict: "passed" });
    },
  );

  it("is told from what the pool says now", async () => {
    const one = caseOf("stratum/share/commitment");
    await recordMiner(one);
    const other = stratumCase({
      ...one,
      run: async (bench) => {
        const bridge = await bench.bridge({ onProof: () => {} });
        bridge.seek({ commitment: Buffer.alloc(32, 0xee), difficulty: 1, simulatedDifficulty: bench.difficulty });
        await bench.settle(new Promise(() => {}), 5000);
      },
    });
    const { code, message } = await tryOn(replayStratumTarget({ folder }), other);
    expect(code).toBe("RECORDING_MISMATCH");
    expect(message).toMatch(/the host writes .*mining\.notify.*; recorded is .*mining\.notify/);
  });

  it("plays back what was damaged as it arrived, and does not damage it again", async () => {
    const twice = stratumCase({
      ...caseOf("stratum/share/commitment"),
      id: "stratum/test/twice",
      can: ["faults"],
      run: async (bench) => {
        bench.damage((chunk) => [chunk, chunk]);
        await bench.bridge({ onProof: () => {} });
        await bench.settle(sleep(bench.clock, 30), 5000);
      },
    });
    const { events } = await recordMiner(twice);
    expect([...messagesOf(events)].filter(({ method }) => method === "mining.subscribe")).toHaveLength(2);
    expect(await tryOn(replayStratumTarget({ folder }), twice)).toMatchObject({ verdict: "passed" });
  });

  it("names no worker where it is not a model", async () => {
    const one = caseOf("stratum/share/form");
    const identity = { ...stock.identity, firmware: "LuckyMiner/BM1366/v2.4.0", simulated: false };
    const real = { ...stock, identity };
    const recording = await recordMiner(one, real);
    const text = recording.events.map((event) => ("bytes" in event ? event.bytes.toString("latin1") : "")).join("");
    expect(text).toContain(`"${redactedId("model.rig")}"`);
    expect(text).not.toContain("model.rig");
    expect(JSON.stringify(recording.header)).not.toContain("model.rig");
    expect(verifyRecording(recording).proofs).toBeGreaterThan(0);
  });
});

describe("a recording whose clock goes on", () => {
  it("holds what passed, in true times", async () => {
    const recorder = new Recorder({ facts: FACTS, exact: false, pathOf: () => join(folder, "running.ndjson") });
    const target = await openModelUsb();
    try {
      const context = { around: recorder, patience: PATIENCE, signal: new AbortController().signal, sinceMs: () => 0 };
      const { attempt } = await tryCase({ target, one: everything, seed: 5, attempt: 1 }, context);
      expect(attempt.message).toBeNull();
    } finally {
      await target.close();
    }
    const recording = readRecording(join(folder, "running.ndjson"));
    expect(verifyRecording(recording)).toMatchObject({ digests: 61, proofs: 1, wrong: [] });
    expect(Math.abs(recording.header.startedUtcMs - Date.now())).toBeLessThan(600_000);
  });
});

describe("a recording of the model device over its terminal", () => {
  it.each(["usb/replug/mid-batch", "usb/boot/mid-batch", "usb/baud/host-climbs", "usb/image/film-deflated"])(
    "plays back: %s",
    async (id) => {
      const target = await openModelUsb();
      try {
        const one = USB_CASES.find((each) => each.id === id) ?? expect.unreachable(id);
        expect(verifyRecording(await recordOn(target, one)).wrong).toEqual([]);
        for (let i = 0; i < 5; i++)
          expect(await tryOn(replayUsbTarget({ folder }), one)).toMatchObject({ verdict: "passed" });
      } finally {
        await target.close();
      }
    },
  );

  it("plays back twenty times in a turned clock, each time the same", async () => {
    const target = await openModelUsb();
    try {
      const recording = await recordOn(target, everything);
      const recorded = asRecorded(recording);
      for (let i = 0; i < 20; i++) expect(await playback(recording, everything)).toBe(recorded);
      expect(await tryOn(replayUsbTarget({ folder }), everything)).toMatchObject({ verdict: "passed" });
    } finally {
      await target.close();
    }
  });
});
