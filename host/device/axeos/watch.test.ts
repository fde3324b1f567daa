import { describe, expect, test } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { LV06_LIMITS } from "./limits.ts";
import { type MinerReading, readingOf } from "./reading.ts";
import { type Look, MinerWatch } from "./watch.ts";

function watching(read: () => Promise<MinerReading>) {
  const clock = new FakeClock();
  const looks: Look[] = [];
  const watch = new MinerWatch({
    clock,
    limits: LV06_LIMITS,
    intervalMs: 10_000,
    read,
    bridge: () => ({ shouldHash: true, proven: null, elsewhere: null }),
    onLook: (look) => looks.push(look),
  });
  watch.start();
  return { clock, looks, watch };
}

describe("a watch", () => {
  test("looks at once and then at intervals, and judges each look", async () => {
    const { clock, looks } = watching(() => Promise.resolve(readingOf({ tempC: 80 })));
    await clock.advance(25_000);
    expect(looks.map(({ conditions }) => conditions.MINER_CHIP_HOT)).toEqual([true, true, true]);
  });

  test("counts a miner that does not answer as offline after a minute, and tells why", async () => {
    const reason = new Error("no route");
    const { clock, looks } = watching(() => Promise.reject(reason));
    await clock.advance(60_000);
    expect(looks.map(({ conditions }) => conditions.MINER_OFFLINE)).toEqual([...Array(6).fill(false), true]);
    expect(looks.at(-1)).toMatchObject({ reading: null, error: reason });
  });

  test("never looks twice at once", async () => {
    let asked = 0;
    const { clock, looks } = watching(() => {
      asked += 1;
      return new Promise(() => {});
    });
    await clock.advance(100_000);
    expect([asked, looks.length]).toEqual([1, 0]);
  });

  test("reports nothing once it has been stopped, also of a look under way", async () => {
    let answer: (reading: MinerReading) => void = () => {};
    const { clock, looks, watch } = watching(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    await clock.advance(1);
    watch.stop();
    answer(readingOf({}));
    await clock.advance(100_000);
    expect(looks).toEqual([]);
  });

  test("takes a restart that was asked for as none of the miner's own", async () => {
    let uptimeS = 1_000;
    const { clock, looks, watch } = watching(() => Promise.resolve(readingOf({ uptimeS })));
    await clock.advance(1);
    watch.forget();
    uptimeS = 3;
    await clock.advance(10_000);
    expect(looks.at(-1)?.conditions.MINER_RESTARTED).toBe(false);
    uptimeS = 1_000;
    await clock.advance(10_000);
    uptimeS = 3;
    await clock.advance(10_000);
    expect(looks.at(-1)?.conditions.MINER_RESTARTED).toBe(true);
  });
});
