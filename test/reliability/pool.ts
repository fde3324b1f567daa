/** The Stratum pool at mixed faults (test/soak), as a section beside the others. */
import { runSoak } from "../soak/soak.ts";
import type { Outcome, Piece, Section, Task } from "./section.ts";

const SECONDS = 3600;

export const POOL: Section = {
  name: "pool",
  title:
    "Fake miners behind bad lines, strangers, a broker that restarts, kills: every result is sealed, every receipt is valid, no share counts that is no work (simulated).",
  unit: "seconds",
  pieces: (amount = SECONDS): readonly Piece[] => [{ name: "mixed faults", amount, run: runPool }],
};

async function runPool({ seed, amount, folder, progress }: Task): Promise<Outcome> {
  const beganMs = performance.now();
  const say = () => progress(Math.min(amount, Math.floor((performance.now() - beganMs) / 1000)));
  const { films, results, seals, receipts, connections, shares, resultMs, memory, faults, findings } = await runSoak({
    ...{ seconds: amount, seed, folder, say },
  });
  const worst = Object.fromEntries(Object.entries(faults).map(([fault, times]) => [`faults: ${fault}`, times ?? 0]));
  const counts = {
    ...{ films, results, seals, receipts, "miners' connections": connections },
    "shares verified": shares.verified,
    "shares refused": shares.refused,
    // A short run may have no film that nothing disturbed.
    ...(Number.isNaN(resultMs.p50) ? {} : { "film to result, ms, p50": resultMs.p50, p99: resultMs.p99 }),
    "resident memory, MiB": memory.rssMiB,
    "its growth, %": memory.growthPercent,
    ...worst,
  };
  return { counts, findings };
}
