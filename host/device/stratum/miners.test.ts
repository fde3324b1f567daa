import { expect, test } from "vitest";
import { SeenShares } from "../../work/seen.ts";
import { checkShare } from "../../work/share.ts";
import { easyJob, easyShare } from "../../work/testing/shares.ts";
import { Batch } from "./batch.ts";
import { Miner } from "./miners.ts";

const worker = { name: "lv06", simulated: false, client: "" };

function miner(shares: number): Miner {
  const verdict = checkShare(new Map([["1a", easyJob()]]), easyShare(1), new SeenShares(1));
  if (!verdict.ok) throw new Error(verdict.reason);
  const known = new Miner(worker, 0);
  known.joined(worker, "::1", 0);
  known.difficulty = 256;
  for (let i = 1; i <= shares; i++) {
    known.accepted({ ok: true, verdict, batch: Batch.idle(), difficulty: 256, waitedMs: 7100 }, i * 7100, i * 7100 + 5);
  }
  return known;
}

test("a miner is taken to have stopped after 7 times its own mean wait, not the nominal one", () => {
  const known = miner(20);
  expect(known.view(20 * 7100 + 7 * 7100 - 1)).toMatchObject({ mining: true, lastShareUtcMs: 142_005 });
  expect(known.view(20 * 7100 + 7 * 7100 + 1)).toMatchObject({ mining: false });
});

test("nothing is said of a miner with few shares, and one that left mines no more", () => {
  expect(miner(7).view(7 * 7100).mining).toBeNull();
  const gone = miner(20);
  gone.connected = 0;
  expect(gone.view(20 * 7100).mining).toBe(false);
});
