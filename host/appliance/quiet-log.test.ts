import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { QuietLog } from "./quiet-log.ts";

let nowMs: number;
let told: string[];
let log: QuietLog;

beforeEach(() => {
  nowMs = 0;
  told = [];
  vi.useFakeTimers({ now: 0 });
  const tell = (level: string) => (fields: object, message: string) => {
    const { times, time } = fields as { times?: number; time?: string };
    const last = time === undefined ? "" : ` at ${Date.parse(time) / 1000}`;
    told.push(`${nowMs / 1000} ${level} ${message}${times === undefined ? "" : ` ×${times}`}${last}`);
  };
  const inner = { debug: tell("debug"), info: tell("info"), warn: tell("warn"), error: tell("error") };
  log = new QuietLog(inner, { keysMax: 3, monotonicMs: () => nowMs, utcMs: () => nowMs });
});
afterEach(() => vi.useRealTimers());

const at = (seconds: number, say: () => void) => {
  nowMs = seconds * 1000;
  say();
};
const away = () => log.warn({ part: "mqtt", code: "MQTT_UNREACHABLE" }, "away");

describe("what is said again", () => {
  test("passes once and is then counted, a minute long", () => {
    for (const second of [0, 1, 2, 59]) at(second, away);
    expect(told).toEqual(["0 warn away"]);
    at(60, away);
    expect(told).toEqual(["0 warn away", "60 warn away ×3 at 59", "60 warn away"]);
  });

  test("is told with its number by whatever is said next", () => {
    for (const second of [0, 1, 2]) at(second, away);
    at(61, () => log.info({ part: "pipeline" }, "result"));
    expect(told).toEqual(["0 warn away", "61 warn away ×2 at 2", "61 info result"]);
    at(62, away);
    expect(told.at(-1)).toBe("62 warn away");
  });

  test("is told before the good news of its part, and trouble after the news is told at once", () => {
    for (const second of [0, 1, 2]) at(second, away);
    at(3, () => log.info({ part: "pipeline" }, "result"));
    at(4, () => log.info({ part: "mqtt" }, "connected"));
    at(5, away);
    expect(told).toEqual(["0 warn away", "3 info result", "4 warn away ×2 at 2", "4 info connected", "5 warn away"]);
  });

  test("is told when its minute is over, though nobody says anything else", () => {
    for (const second of [0, 1, 2]) at(second, away);
    at(30, () => log.warn({ part: "seal" }, "late"));
    at(31, () => log.warn({ part: "seal" }, "late"));
    // The first wait began at 1 s of the log's clock: 59 s of the timer's.
    nowMs = 60_000;
    vi.advanceTimersByTime(59_000);
    expect(told).toEqual(["0 warn away", "30 warn late", "60 warn away ×2 at 2"]);
    nowMs = 90_000;
    vi.advanceTimersByTime(30_000);
    expect(told.slice(3)).toEqual(["90 warn late ×1 at 31"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is told at the end", () => {
    for (const second of [0, 1]) at(second, away);
    log.flush();
    log.flush();
    expect(told).toEqual(["0 warn away", "1 warn away ×1 at 1"]);
  });

  test("counts what a line stands for already", () => {
    for (const times of [1, 7, 5]) log.warn({ part: "commands", code: "COMMAND_FORM", times }, "no");
    log.flush();
    expect(told).toEqual(["0 warn no ×1", "0 warn no ×12 at 0"]);
  });

  test("by other fields that matter to nobody is still the same", () => {
    log.warn({ part: "ingest", code: "RASTER_FORMAT", fileDigest: "aa" }, "refused");
    log.warn({ part: "ingest", code: "RASTER_FORMAT", fileDigest: "bb" }, "refused");
    expect(told).toHaveLength(1);
  });
});

test("another code, level, part or miner is another trouble", () => {
  log.warn({ part: "seal", code: "A" }, "x");
  log.warn({ part: "seal", code: "B" }, "x");
  log.error({ part: "seal", code: "A" }, "x");
  log.warn({ part: "miners", code: "A", miner: "one" }, "x");
  log.warn({ part: "miners", code: "A", miner: "two" }, "x");
  expect(told).toHaveLength(5);
});

test("what was done is told each time", () => {
  for (let image = 0; image < 3; image++) log.info({ part: "pipeline" }, "result");
  expect(told).toHaveLength(3);
});

test("more kinds than can be remembered lose no line", () => {
  const kinds = ["a", "a", "b", "c", "d", "e"];
  for (const code of kinds) log.warn({ code }, code);
  log.flush();
  expect(told.filter((line) => !line.includes("×"))).toEqual(["a", "b", "c", "d", "e"].map((code) => `0 warn ${code}`));
  expect(told.filter((line) => line.includes("×"))).toEqual(["0 warn a ×1 at 0"]);
});
