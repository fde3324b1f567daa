import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Rounds } from "./rounds.ts";

function counted() {
  const counts = { rounds: 0, underWay: 0, most: 0 };
  const rounds = new Rounds({
    round: async () => {
      counts.most = Math.max(counts.most, ++counts.underWay);
      await sleep(1);
      counts.underWay--;
      counts.rounds++;
    },
    pause: (signal) => sleep(1, undefined, { signal }).catch(() => {}),
  });
  return { rounds, counts };
}

test("rounds follow each other, one at a time, however often they are started, until they are stopped", async () => {
  const { rounds, counts } = counted();
  rounds.start();
  rounds.start();
  await expect.poll(() => counts.rounds).toBeGreaterThan(3);
  await rounds.stop();
  const before = counts.rounds;
  expect(counts).toMatchObject({ underWay: 0, most: 1 });
  await sleep(20);
  expect(counts.rounds).toBe(before);
  rounds.start();
  await expect.poll(() => counts.rounds).toBeGreaterThan(before);
  await rounds.stop();
});

test("a stop cuts the pause short, and one without a start is none", async () => {
  let paused = 0;
  const pause = (signal: AbortSignal) => {
    paused++;
    return sleep(3_600_000, undefined, { signal }).catch(() => {});
  };
  const rounds = new Rounds({ round: async () => {}, pause });
  await rounds.stop();
  rounds.start();
  await expect.poll(() => paused).toBe(1);
  await rounds.stop();
  expect(rounds.signal.aborted).toBe(true);
});
