import { describe, expect, it } from "vitest";
import { LineDecoder } from "../link/decoder.ts";
import { runCampaign } from "./corruption.ts";
import { MemoryDevice } from "./memory-device.ts";

const honest = () => new MemoryDevice();

describe("twenty thousand damaged lines", () => {
  const report = runCampaign({ seed: 20_260_101, cases: 20_000, peer: honest() });

  it("give no wrong answer, leave no request open, and never deafen the host", () => {
    expect(report).toMatchObject({ cases: 20_000, wrong: 0, unsettled: 0, deaf: 0 });
  });
  it("are made good by repeating", () => {
    expect(report).toMatchObject({ answered: report.requests, failed: 0 });
    expect(report.retries).toBeGreaterThan(1000);
    expect(report.discarded).toBeGreaterThan(1000);
  });
  it("were damaged in every way", () => {
    for (const cases of Object.values(report.byKind)) expect(cases).toBeGreaterThan(500);
  });
  it("never had more unanswered than the device allows", () => {
    expect(report.mostUnanswered).toBeLessThanOrEqual(honest().credits.lines);
  });
});

describe("the campaign itself", () => {
  it("gives the same report for the same seed", () => {
    const run = (seed: number) => runCampaign({ seed, cases: 200, peer: honest() });
    expect(run(3)).toEqual(run(3));
    expect(run(3)).not.toEqual(run(4));
  });

  it("catches a device that lies once in a thousand", () => {
    const device = honest();
    let answers = 0;
    const peer = {
      take: (bytes: Uint8Array) => {
        device.boot = ++answers > 500 && answers % 1000 === 0 ? "00000000" : "1a2b3c4d";
        return device.take(bytes);
      },
    };
    expect(runCampaign({ seed: 1, cases: 2000, peer }).wrong).toBeGreaterThan(0);
  });

  it("catches a device that stops answering", () => {
    const device = honest();
    let left = 500;
    const peer = { take: (bytes: Uint8Array) => (--left > 0 ? device.take(bytes) : new Uint8Array()) };
    expect(runCampaign({ seed: 1, cases: 400, peer }).failed).toBeGreaterThan(0);
  });
});

it("a line without end costs no memory", () => {
  const decoder = new LineDecoder(65_536);
  const chunk = Buffer.alloc(65_536, "~x");
  decoder.push(chunk);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 4000; i++) decoder.push(chunk);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
});
