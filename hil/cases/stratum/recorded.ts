/** The one real piece of hardware traffic there is: 20 shares of an LV06, whose jobs are given out again. */
import { verifyProof } from "../../../host/work/proof.ts";
import { targetOfDifficulty } from "../../../host/work/target.ts";
import { expectThat, stratumCase } from "../../rig/case.ts";
import { SHARES_MS, Working } from "./work.ts";

/** A recording's times are of whole microseconds. */
const TOLERANCE_MS = 0.01;

export const RECORDED_CASES = [
  stratumCase({
    id: "stratum/recorded/lv06-shares",
    title:
      "Every share that the device found counts, proves its job at difficulty 256, and holds no nibble that may change",
    spec: ["host/work/testing/ATTRIBUTION.txt", "Stratum V1: mining.submit"],
    level: "MUST",
    needs: [],
    can: ["recorded-jobs"],
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const on = await Working.of(bench);
      const { difficulty, jobs } = bench;
      const target = targetOfDifficulty(difficulty);
      for (const [i, { commitment, tookMs }] of jobs.entries()) {
        on.bridge.seek({ commitment, difficulty, simulatedDifficulty: null });
        const { proof, elapsedMs } = await on.proof(i + 1);
        bench.measured("job-to-share", elapsedMs);
        const verdict = verifyProof(proof, commitment, target);
        expectThat(verdict.ok, verdict.ok ? "" : `share ${i + 1} does not verify: ${verdict.detail}`);
        expectThat(verdict.place.kind === "prevhash", `share ${i + 1} commits in its ${verdict.place.kind}`);
        const off = Math.abs(elapsedMs - tookMs);
        expectThat(off <= TOLERANCE_MS, `share ${i + 1} took ${elapsedMs} ms, recorded are ${tookMs} ms`);
        for (const header of withOneNibbleChanged(proof.header)) {
          const changed = verifyProof({ ...proof, header }, commitment, target);
          expectThat(!changed.ok, `share ${i + 1} also holds with another header`);
        }
      }
      const [miner] = on.bridge.view().miners;
      expectThat(miner?.accepted === jobs.length, `${miner?.accepted} of ${jobs.length} shares count`);
      expectThat(Object.keys(miner.rejected).length === 0, "a share was refused");
    },
  }),
];

/** Each of its 160 nibbles in turn, by one bit. */
function* withOneNibbleChanged(header: Uint8Array): Generator<Buffer> {
  for (let nibble = 0; nibble < 2 * header.length; nibble++) {
    const changed = Buffer.from(header);
    const at = nibble >> 1;
    changed[at] = (changed[at] ?? 0) ^ (nibble % 2 === 0 ? 0x10 : 0x01);
    yield changed;
  }
}
