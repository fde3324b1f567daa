/** What runs along every case of a run may not change what is measured in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FACTS } from "../recording/testing/facts.ts";
import { toyCase, toyTarget } from "../rig/testing/toys.ts";
import { FailureTapes } from "./failure-tapes.ts";

test("the clock of a case goes on while the host computes, as it does without a tape", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hil-tapes-"));
  const tapes = new FailureTapes(folder, FACTS);
  try {
    const [target, one] = [await toyTarget().open(), toyCase("usb/test/one")];
    if (target.transport !== "usb") throw new Error("a toy is of USB");
    const opened = await target.open(one, 1);
    const { bench } = tapes.wrap(opened, { target, one, seed: 1, attempt: 1 });
    const [atMs, endMs] = [bench.clock.nowMs(), performance.now() + 3];
    while (performance.now() < endMs);
    expect(bench.clock.nowMs() - atMs).toBeGreaterThanOrEqual(2.9);
  } finally {
    tapes.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
