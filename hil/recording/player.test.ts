/** Playing recordings made by hand to hosts made by hand. */
import { describe, expect, it } from "vitest";
import { sleep } from "../../host/device/clock.ts";
import type { Transport } from "../../host/device/transport.ts";
import type { UsbBench } from "../rig/bench.ts";
import type { BenchFor } from "../rig/target.ts";
import { encodeRecording } from "./encode.ts";
import type { Event } from "./format.ts";
import { type Pace, paceOf } from "./pace.ts";
import { parseRecording } from "./parse.ts";
import { replayUsb } from "./replay-usb.ts";
import { closed, HEADER, opened, r, w } from "./testing/samples.ts";

function play(events: readonly Event[], pace: Pace = { kind: "max" }): BenchFor<"usb"> {
  return replayUsb(parseRecording(encodeRecording(HEADER, events)), { pace });
}

/** A line, and what was heard on it, with its times in ms. */
async function connect(bench: UsbBench) {
  const line = await bench.connect();
  const heard: [number, string][] = [];
  let ended: string | undefined;
  line.onChunk((chunk) => heard.push([bench.clock.nowMs(), Buffer.from(chunk).toString("latin1")]));
  line.onClose((reason) => {
    ended = reason.message;
  });
  return { line, heard, ended: () => ended };
}

const say = (line: Transport, text: string) => line.write(Buffer.from(text, "latin1"));
const pass = (bench: UsbBench, ms: number) => bench.settle(sleep(bench.clock, ms), ms + 1);

const ASKED = [opened(0), w(1000, "ask\n"), r(3000, "answer\n"), r(9000, "and more\n")];

describe("a recording that is played", () => {
  it("answers what was asked, when it was answered", async () => {
    const { bench, close } = play(ASKED);
    const { line, heard } = await connect(bench);
    await pass(bench, 1);
    await say(line, "ask\n");
    await pass(bench, 20);
    expect(heard).toEqual([
      [3, "answer\n"],
      [9, "and more\n"],
    ]);
    await close();
  });

  it("says nothing before it is asked, however long that takes, and then takes its time", async () => {
    const { bench, close } = play(ASKED);
    const { line, heard } = await connect(bench);
    await pass(bench, 500);
    expect(heard).toEqual([]);
    await say(line, "a");
    await pass(bench, 100);
    expect(heard).toEqual([]);
    await say(line, "sk\n");
    await pass(bench, 100);
    expect(heard.map(([atMs]) => atMs)).toEqual([602, 608]);
    await close();
  });

  it("takes the bytes however they are cut", async () => {
    const { bench, close } = play([opened(0), w(1, "one\n"), w(2, "two\nth"), w(3, "ree\n"), r(4, "ok\n")]);
    const { line, heard } = await connect(bench);
    for (const piece of ["o", "ne\ntwo", "\nthree\n"]) await say(line, piece);
    await pass(bench, 10);
    expect(heard).toHaveLength(1);
    await close();
  });

  it("lets a host be ahead that does not wait for answers", async () => {
    const { bench, close } = play([opened(0), w(1, "one\n"), r(2000, "1\n"), w(2000, "two\n"), r(3000, "2\n")]);
    const { line, heard } = await connect(bench);
    await say(line, "one\ntwo\n");
    await pass(bench, 10);
    expect(heard.map(([, text]) => text)).toEqual(["1\n", "2\n"]);
    await close();
  });

  it("stands still while nobody waits", async () => {
    const { bench } = play(ASKED);
    const { line, heard } = await connect(bench);
    await say(line, "ask\n");
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(heard).toEqual([]);
    expect(bench.clock.nowMs()).toBeLessThan(1);
  });

  it("calls a timer that is due with an event before it", async () => {
    const { bench } = play(ASKED);
    const { line, heard } = await connect(bench);
    await pass(bench, 1);
    await say(line, "ask\n");
    let before: number | undefined;
    bench.clock.after(2, () => {
      before = heard.length;
    });
    await pass(bench, 5);
    expect(before).toBe(0);
  });

  it("changes the rate, and says why it cannot", async () => {
    const rate = (atUs: number, baud: number, error?: string): Event => ({
      ...{ atUs, code: "c", connection: 1 },
      control: { op: "baud", baud, ...(error === undefined ? {} : { error }) },
    });
    const { bench, close } = play([opened(0, 1, true), rate(500, 921_600), rate(900, 3, "does not go")]);
    const { line } = await connect(bench);
    await line.setRate?.(921_600);
    expect(bench.clock.nowMs()).toBe(0.5);
    await expect(line.setRate?.(3)).rejects.toThrow("does not go");
    await close();
  });

  it("has no rate where there was none", async () => {
    const { line } = await connect(play(ASKED).bench);
    expect(line.setRate).toBeUndefined();
  });

  it("ends the line when the device did, and opens it again", async () => {
    const { bench, close } = play([
      opened(0),
      w(1, "x"),
      closed(500, "device"),
      opened(900, 2),
      w(950, "y", 2),
      r(960, "z", 2),
    ]);
    const first = await connect(bench);
    await say(first.line, "x");
    await pass(bench, 0.6);
    expect(first.ended()).toBe("pulled");
    await expect(say(first.line, "more")).rejects.toThrow("pulled");
    const second = await connect(bench);
    await say(second.line, "y");
    await pass(bench, 1);
    expect([second.heard.length, first.heard.length]).toEqual([1, 0]);
    await close();
  });

  it("fails to open with the recorded error", async () => {
    const error = { code: "DEVICE_ABSENT", detail: "/dev/ttyACM0" };
    const { bench } = play([{ atUs: 5, code: "c", connection: 1, control: { op: "open", rated: false, error } }]);
    await expect(bench.connect()).rejects.toThrow(/DEVICE_ABSENT/);
  });

  it("has the recording's day, seed and abilities", async () => {
    const { bench } = play(ASKED);
    expect(bench.utcMs()).toBe(HEADER.startedUtcMs);
    expect(bench.random()).toBe(play(ASKED).bench.random());
    expect([...bench.can]).toEqual(["restart"]);
  });

  it("bounds every wait", async () => {
    const { bench } = play(ASKED);
    await bench.connect();
    await expect(bench.settle(new Promise(() => {}), 2000)).rejects.toThrow(/RIG_DEADLINE/);
    expect(bench.clock.nowMs()).toBe(2000);
  });
});

describe("a host that does otherwise", () => {
  const PING = [opened(0), w(1, "\n\n~0001 PING 3a56d140\n~0002 HASH 616263 3a56d140\n"), r(2, "x\n")];

  it("is told what it writes and what it wrote then", async () => {
    const { bench, close } = play(PING);
    const { line } = await connect(bench);
    await say(line, "\n\n~0001 PI");
    const wrong = say(line, "NG 3a56d140\n~0002 HASH 616264 00000000\n");
    await expect(wrong).rejects.toThrow(
      'the host writes "~0002 HASH 616264 00000000"; recorded is "~0002 HASH 616263" [RECORDING_MISMATCH]',
    );
    await expect(close()).rejects.toThrow("RECORDING_MISMATCH");
  });

  it("fails where it waits, too", async () => {
    const { bench } = play(PING);
    const { line } = await connect(bench);
    say(line, "?").catch(() => {});
    await expect(bench.settle(new Promise(() => {}), 1000)).rejects.toThrow("RECORDING_MISMATCH");
  });

  it("fails for one byte more than was recorded", async () => {
    const { bench } = play([opened(0), w(1, "all\n")]);
    const { line } = await connect(bench);
    await expect(say(line, "all\n\n")).rejects.toThrow("the host writes an empty line; recorded is nothing more");
  });

  it.each([
    ["opens a line more", PING, async (bench: UsbBench) => void (await bench.connect()), "recorded is nothing more"],
    [
      "does to the device what was not done",
      PING,
      (bench: UsbBench) => bench.act("restart"),
      "the host asks for restart",
    ],
  ])("fails where it %s", async (_, events, does, words) => {
    const { bench } = play(events);
    await connect(bench);
    await expect(does(bench)).rejects.toThrow(words);
  });

  it("fails where it closes the line too early", async () => {
    const { bench, close } = play(PING);
    const { line, ended } = await connect(bench);
    await line.close();
    expect(ended()).toBe("the line was closed");
    await expect(close()).rejects.toThrow(/the host asks for the line's end; recorded is that the host writes/);
  });

  it("leaves something over where it asks less", async () => {
    const { bench, close } = play(PING);
    await connect(bench);
    await expect(close()).rejects.toThrow(/2 events, the first that the host writes .* \[RECORDING_LEFTOVER\]/);
  });

  it("leaves something over where the device still speaks to a case that is over", async () => {
    const { bench, close } = play([opened(0), w(1000, "ask\n"), r(2000, "answer\n"), r(9000, "x")]);
    const { line, heard } = await connect(bench);
    await say(line, "ask\n");
    await pass(bench, 5);
    expect(heard).toEqual([[1, "answer\n"]]);
    await expect(close()).rejects.toThrow(/1 events, the first that the device says "x" \[RECORDING_LEFTOVER\]/);
  });

  it("hears what comes while it ends the line, and leaves nothing over", async () => {
    const { bench, close } = play([opened(0), r(2000, "bye\n"), r(2500, "bye\n"), closed(3000, "host")]);
    const { line, heard } = await connect(bench);
    void line.close();
    await close();
    expect(heard.map(([atMs]) => atMs)).toEqual([2, 2.5]);
  });

  it("leaves over what comes on a line that is over", async () => {
    const { bench, close } = play([opened(0), closed(1, "device"), r(2000, "x")]);
    await connect(bench);
    await expect(pass(bench, 5)).rejects.toThrow(/nobody hears 1 bytes on connection 1/);
    await expect(close()).rejects.toThrow("RECORDING_LEFTOVER");
  });

  it("leaves something over where it does not close the line", async () => {
    const { bench, close } = play([opened(0), closed(5, "host")]);
    await connect(bench);
    await expect(close()).rejects.toThrow("RECORDING_LEFTOVER");
  });
});

describe("the pace", () => {
  const LATER = [opened(0), w(0, "x"), r(60_000, "y".repeat(100))];
  const playedMs = async (pace: Pace) => {
    const { bench, close } = play(LATER, pace);
    const startMs = performance.now();
    const { line, heard } = await connect(bench);
    await say(line, "x");
    await pass(bench, 101);
    await close();
    return { tookMs: performance.now() - startMs, atMs: heard[0]?.[0] ?? 0 };
  };

  it("is as fast as possible, as recorded, or that of a line", async () => {
    expect((await playedMs({ kind: "max" })).atMs).toBe(60);
    const recorded = await playedMs({ kind: "recorded" });
    expect(recorded.atMs).toBe(60);
    expect(recorded.tookMs).toBeGreaterThanOrEqual(59);
    // 100 bytes of 10 bits at 10,000 baud.
    const line = await playedMs({ kind: "line", baud: 10_000 });
    expect(line.atMs).toBe(100);
    expect(line.tookMs).toBeGreaterThanOrEqual(99);
  });

  it("is read from words", () => {
    expect(paceOf("max")).toEqual({ kind: "max" });
    expect(paceOf("recorded")).toEqual({ kind: "recorded" });
    expect(paceOf("921600")).toEqual({ kind: "line", baud: 921_600 });
    for (const none of ["", "fast", "0", "49", "12000001", "9600x", "1e5", "recorded "])
      expect(paceOf(none)).toBeUndefined();
  });
});
