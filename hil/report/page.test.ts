import { describe, expect, test } from "vitest";
import { bucketsOf, quantilesOf } from "./histogram.ts";
import { parseReport, reportJson } from "./json.ts";
import { measurementsOf } from "./latency.ts";
import { escapeText } from "./markup.ts";
import { rowsBySection } from "./matrix.ts";
import { pageOf } from "./page.ts";
import { sectionTitles } from "./sections.ts";
import { sampleReport } from "./testing/sample.ts";
import { durationText } from "./words.ts";

const HOSTILE = `"</script></style></svg><img src=x onerror=alert(1)>' -->`;

describe("the page", () => {
  const report = sampleReport();
  const titles = new Map([["SPEC 5.3", "HASH block"]]);
  const page = pageOf(report, titles);

  test("has a link target for each part and each failure, once", () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => id);
    expect(ids).toEqual([...new Set(ids)]);
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id = ""]) => id);
    expect(links.filter((id) => !ids.includes(id))).toEqual([]);
    for (const id of ["targets", "matrix", "latency", "timeline", "environment", "failures"]) expect(ids).toContain(id);
    expect(ids.filter((id) => id.startsWith("f-"))).toHaveLength(3);
  });

  test("names every case, target and verdict, and what each failure needs", () => {
    for (const { id, title } of report.results) {
      expect(page).toContain(id);
      expect(page).toContain(title);
    }
    for (const { name } of [...report.targets, ...report.absent]) expect(page).toContain(name);
    for (const words of ["flaky", "n/a", "missing", "simulated", "framing reconstructed", "not conforming"]) {
      expect(page).toContain(`>${words}<`);
    }
    expect(page).toContain("./hil/hil run --target real-usb --case usb/health/units --seed 5");
    expect(page).toContain("HASH block");
    expect(page).toContain("Pair one with this address.");
  });

  test("says so when no real device ran", () => {
    const badge = ">no real device<";
    expect(page).not.toContain(badge);
    expect(pageOf({ ...report, targets: report.targets.filter(({ kind }) => kind !== "real") })).toContain(badge);
  });

  test("draws what was measured often, and lists the rest", () => {
    const [first] = report.results;
    if (first === undefined) throw new Error("an empty sample");
    const rare = pageOf({ ...report, results: [{ ...first, latencies: { often: Array(20).fill(1), rare: [2] } }] });
    expect(rare.match(/class="hist"><b/g)).toHaveLength(1);
    expect(rare).toContain('<th scope="row">rare</th>');
  });

  test("draws nothing of a clock that stood still, and no 99th percentile of a few", () => {
    const [first] = report.results;
    if (first === undefined) throw new Error("an empty sample");
    const pageWith = (latencies: Record<string, number[]>) => pageOf({ ...report, results: [{ ...first, latencies }] });
    const still = pageWith({ still: Array(20).fill(0) });
    expect([still.includes(">still<"), still.includes('href="#latency"')]).toEqual([false, false]);
    expect(pageWith({ some: [...Array(20).fill(0), ...Array(20).fill(3)] })).toContain("<span>n 20</span>");
    expect(pageWith({ few: Array(100).fill(1) })).not.toContain("<span>p99");
    expect(pageWith({ many: Array(101).fill(1) })).toContain("<span>p99");
  });

  test("links to what did not pass, where there is any", () => {
    expect(page).toContain('<a href="#failures">');
    const good = { ...report, results: report.results.filter(({ verdict }) => verdict === "passed") };
    expect(pageOf(good)).not.toContain('<a href="#failures">');
  });

  test("asks nothing of the network and runs nothing", () => {
    expect(page).not.toMatch(/<script|<link(?![^>]+href="data:,")|<img|\bsrc=|https?:|@import|url\(/i);
    expect(page).toContain("default-src 'none'");
  });

  test("keeps hostile text what it is: text", () => {
    const hostile = pageOf(sampleReport({ hostile: HOSTILE }), titles);
    const tags = (text: string) => [...text.matchAll(/<\/?[a-z!][a-z0-9]*/g)].map(([tag]) => tag);
    expect(tags(hostile)).toEqual(tags(page));
    expect(hostile).toContain("&lt;/script&gt;&lt;/style&gt;&lt;/svg&gt;&lt;img src=x onerror=alert(1)&gt;");
  });

  test("of a run with nothing in it still says what went wrong", () => {
    const nothing = {
      ...report,
      targets: [],
      absent: [],
      results: [],
      problems: [{ code: "RIG_NO_CASES", message: "none" }],
    };
    expect(pageOf(nothing)).toContain("RIG_NO_CASES");
    expect(pageOf(nothing)).toContain("Failed: 1 problem");
  });
});

test("a report survives its file, bytes and all", () => {
  const report = sampleReport();
  expect(parseReport(reportJson(report))).toEqual(report);
  expect(() => parseReport('{"version": 2, "results": []}')).toThrow(/version 1/);
});

describe("histograms", () => {
  test("resolve 10 µs up to 320 µs, and 7 % at most above", () => {
    expect(bucketsOf([0.004, 0.0101, 0.0199, 0.02, 0.311])).toEqual([
      { fromUs: 0, toUs: 10, count: 1 },
      { fromUs: 10, toUs: 20, count: 2 },
      { fromUs: 20, toUs: 30, count: 1 },
      { fromUs: 310, toUs: 320, count: 1 },
    ]);
    for (let us = 320; us < 4e9; us *= 1.013) {
      const [bucket] = bucketsOf([us / 1000]);
      if (bucket === undefined) throw new Error("no bucket");
      expect(us).toBeGreaterThanOrEqual(bucket.fromUs * (1 - 1e-9));
      expect(us).toBeLessThan(bucket.toUs);
      expect(bucket.toUs / bucket.fromUs).toBeLessThan(1.07);
    }
  });

  test("lie edge to edge", () => {
    const all = Array.from({ length: 5_000 }, (_, at) => 0.001 + at * 0.005);
    const buckets = bucketsOf(all);
    expect(buckets.slice(1).map(({ fromUs }) => fromUs)).toEqual(buckets.slice(0, -1).map(({ toUs }) => toUs));
  });

  test("count no value that is no time", () => {
    expect(bucketsOf([Number.NaN, -1, Number.POSITIVE_INFINITY])).toEqual([]);
    expect(quantilesOf([Number.NaN])).toBeNull();
  });

  test("have quantiles that were measured, by nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect(quantilesOf(hundred)).toEqual({ count: 100, p50: 50, p90: 90, p99: 99, max: 100 });
    expect(quantilesOf([3])).toEqual({ count: 1, p50: 3, p90: 3, p99: 3, max: 3 });
  });

  test("put a target's cases together under the name of what they measure", () => {
    const measured = measurementsOf(sampleReport()).get("HASH round trip");
    expect(measured?.map(({ target, latenciesMs }) => [target, latenciesMs.length])).toEqual([
      ["model-usb", 800],
      ["replay-usb", 800],
      ["real-usb", 800],
    ]);
  });
});

test("paragraphs come in the order of their numbers", () => {
  const [one] = sampleReport().results;
  if (one === undefined) throw new Error("an empty sample");
  const results = ["SPEC 5.10", "SPEC 5.2", "DESIGN 6"].map((spec, at) => ({ ...one, id: `${at}`, spec: [spec] }));
  expect([...rowsBySection(results).keys()]).toEqual(["DESIGN 6", "SPEC 5.2", "SPEC 5.10"]);
});

test("headings become paragraphs' titles", () => {
  const titles = sectionTitles("# 1 no\n\n## 2. The line\ntext 3. no\n### 5.3 HASH `block`\n");
  expect([...titles]).toEqual([
    ["SPEC 2", "The line"],
    ["SPEC 5.3", "HASH block"],
  ]);
});

test("durations have the unit that fits", () => {
  expect([0.0042, 0.1, 1.7349, 49, 999.6, 118_000, 131_000].map(durationText)).toEqual([
    "4.2 µs",
    "100 µs",
    "1.73 ms",
    "49 ms",
    "1 s",
    "118 s",
    "2 min 11 s",
  ]);
});

test("what XML cannot hold is written out", () => {
  expect(escapeText("a\u0000b\u001bc\ud800d\n😀")).toBe("a\\u0000b\\u001bc\\ud800d\n😀");
});
