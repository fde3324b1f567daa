import { describe, expect, it } from "vitest";
import { encodeFrame } from "../../host/device/link/frame.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type { CaseResult, RunReport, Verdict } from "../rig/report.ts";
import { diffRecordings, diffRuns } from "./diff.ts";
import { encodeRecording } from "./encode.ts";
import type { Event, Header } from "./format.ts";
import { parseRecording } from "./parse.ts";
import { differenceOf, latenciesOf } from "./quantiles.ts";
import { HEADER } from "./testing/samples.ts";

interface Recorded {
  readonly boot?: string;
  readonly tookUs?: (i: number) => number;
  readonly words?: (i: number) => readonly string[];
  readonly count?: number;
  readonly more?: readonly Event[];
  readonly header?: Header;
}

function recorded({
  boot = "1a2b3c4d",
  tookUs = () => 500,
  words = () => ["x"],
  count = 50,
  more = [],
  header = HEADER,
}: Recorded) {
  const events = Array.from({ length: count }, (_, i): Event[] => [
    { atUs: i * 10_000, code: "w", connection: 1, bytes: encodeFrame({ seq: i + 1, verb: "HASH", args: [String(i)] }) },
    {
      ...{ atUs: i * 10_000 + tookUs(i), code: "r", connection: 1 },
      bytes: encodeFrame({ seq: i + 1, verb: "OK", args: [boot, ...words(i)] }),
    },
  ]).flat();
  return parseRecording(encodeRecording(header, [...events, ...more]));
}

describe("two recordings", () => {
  it("are the same but for boot id and time of day", () => {
    const other = recorded({ boot: "ffffffff", header: { ...HEADER, startedUtcMs: 1 } });
    const difference = diffRecordings(recorded({}), other);
    expect(difference).toMatchObject({ header: {}, unasked: {}, answers: { same: 50, different: 0, shown: [] } });
    expect(difference.latencies[0]?.median).toEqual({ value: 0, low: 0, high: 0 });
  });

  it("differ in answers, which are shown", () => {
    const other = recorded({ words: (i) => (i === 7 ? ["y"] : ["x"]) });
    const { answers } = diffRecordings(recorded({}), other);
    expect(answers).toMatchObject({ same: 49, different: 1, shown: [{ question: "HASH 7", a: "OK x", b: "OK y" }] });
  });

  it("differ in what was asked, in what was said unasked, and in their headers", () => {
    const log: Event = { atUs: 600_000, code: "r", connection: 1, bytes: Buffer.from("boot:0x8\n~0000 BOO\n") };
    const header = { ...HEADER, device: { ...HEADER.device, firmware: "lv06/2" } };
    const difference = diffRecordings(recorded({}), recorded({ count: 45, more: [log], header }));
    expect(difference.answers.only).toEqual({ a: 5, b: 0 });
    expect(difference.unasked).toEqual({ log: { a: 0, b: 1 }, damaged: { a: 0, b: 1 } });
    expect(Object.keys(difference.header)).toEqual(["device"]);
    expect(difference.perSecond.a.answers).toBeGreaterThan(difference.perSecond.b.answers);
  });

  it("differ in latencies, with an interval that tells a difference from chance", () => {
    const random = new Seeded(3);
    const about = (us: number) => () => us + random.below(100);
    const slow = diffRecordings(recorded({ tookUs: about(500) }), recorded({ tookUs: about(700) }));
    const [{ median: slower } = { median: null }] = slow.latencies;
    expect(slower?.low).toBeGreaterThan(150);
    expect(slower?.high).toBeLessThan(250);
    const [{ median: chance } = { median: null }] = diffRecordings(
      recorded({ tookUs: about(500) }),
      recorded({ tookUs: about(500) }),
    ).latencies;
    expect([(chance?.low ?? 1) < 0, (chance?.high ?? -1) > 0]).toEqual([true, true]);
  });

  it("measure a repeated question from when it was first asked", () => {
    const ask = encodeFrame({ seq: 9, verb: "PING", args: [] });
    const at = { connection: 1 } as const;
    const repeated = parseRecording(
      encodeRecording(HEADER, [
        { ...at, atUs: 0, code: "w", bytes: ask },
        { ...at, atUs: 300_000, code: "w", bytes: ask },
        { ...at, atUs: 300_500, code: "r", bytes: encodeFrame({ seq: 9, verb: "OK", args: ["1a2b3c4d"] }) },
      ]),
    );
    expect(diffRecordings(repeated, repeated).latencies).toMatchObject([{ name: "PING", a: { most: 300_500 } }]);
  });
});

describe("two runs", () => {
  const run = (verdicts: Readonly<Record<string, Verdict>>, ms: number): RunReport => ({
    ...{ version: 1, seed: 1, startedUtcMs: 0, durationMs: 0, environment: {}, targets: [], absent: [], problems: [] },
    results: Object.entries(verdicts).map(
      ([id, verdict]): CaseResult => ({
        ...{
          id,
          verdict,
          title: id,
          level: "MUST",
          spec: [],
          target: "model-usb",
          reason: null,
          attempts: [],
          notes: [],
        },
        ...{ latencies: { reply: [ms, ms, ms] }, rerun: "" },
      }),
    ),
  });

  it("differ in verdicts and latencies", () => {
    const before = run({ "usb/a": "passed", "usb/b": "passed", "usb/c": "passed" }, 2);
    const after = run({ "usb/a": "passed", "usb/b": "failed", "usb/d": "missing" }, 3);
    const { verdicts, latencies } = diffRuns(before, after);
    expect(verdicts).toEqual([
      { id: "usb/b", target: "model-usb", a: "passed", b: "failed" },
      { id: "usb/c", target: "model-usb", a: "passed", b: null },
      { id: "usb/d", target: "model-usb", a: null, b: "missing" },
    ]);
    expect(latencies[0]).toMatchObject({ name: "model-usb usb/a reply", median: { value: 1 } });
    expect(latencies.find(({ name }) => name.includes("usb/c"))).toMatchObject({ b: null, median: null });
  });
});

describe("quantiles", () => {
  it("are those of what was measured", () => {
    const samples = Array.from({ length: 1000 }, (_, i) => 1000 - i);
    const all = latenciesOf(samples, 1);
    expect(all).toMatchObject({ count: 1000, most: 1000 });
    expect(Object.values(all?.quantiles ?? {}).map(({ value }) => value)).toEqual([500, 900, 990]);
    for (const { value, low, high } of Object.values(all?.quantiles ?? {}))
      expect([low <= value, value <= high, low < high]).toEqual([true, true, true]);
    expect(latenciesOf([], 1)).toBeUndefined();
  });

  it("hold the true one in about 19 of 20 intervals", () => {
    const random = new Seeded(11);
    let held = 0;
    for (let i = 0; i < 100; i++) {
      const { low = 1, high = 0 } = latenciesOf(Array.from({ length: 101 }, random.next), i)?.quantiles.p50 ?? {};
      if (low <= 0.5 && 0.5 <= high) held += 1;
    }
    expect(held).toBeGreaterThanOrEqual(88);
  });

  it("are the same for the same seed", () => {
    const [a, b] = [
      Array.from({ length: 99 }, (_, i) => (i * 37) % 100),
      Array.from({ length: 55 }, (_, i) => (i * 31) % 90),
    ];
    expect(differenceOf(a, b, "p90", 4)).toEqual(differenceOf(a, b, "p90", 4));
    expect(differenceOf(a, b, "p90", 4)).not.toEqual(differenceOf(a, b, "p90", 5));
  });
});
