/** A worker of the virtual-time tier: seeds in, what became of them out. */
import { parentPort } from "node:worker_threads";
import { errorMessage } from "../../host/base/error.ts";
import { CorePool } from "./cores.ts";
import { runScenario } from "./scenario.ts";
import { WHOLE } from "./steps.ts";
import { addTally, emptyTally, type FailedSeed, type Played, rerunLine, tallyOf } from "./tier.ts";

const stray: string[] = [];
process.on("unhandledRejection", (error) => stray.push(`a rejection that nobody heard: ${errorMessage(error)}`));
const building = CorePool.build();

parentPort?.on("message", ({ from, count }: { readonly from: number; readonly count: number }) => {
  void play(from, count).then((played) => parentPort?.postMessage(played));
});

async function play(from: number, count: number): Promise<Played> {
  const pool = await building;
  const tally = emptyTally();
  const failures: FailedSeed[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const findings = await playOne(pool, seed, tally);
    if (findings.length > 0) failures.push({ seed, findings, rerun: rerunLine(seed, WHOLE) });
  }
  return { tally, failures };
}

async function playOne(pool: CorePool, seed: number, tally: ReturnType<typeof emptyTally>): Promise<readonly string[]> {
  try {
    const report = await runScenario(pool, seed);
    addTally(tally, tallyOf(report));
    return [...report.findings, ...stray.splice(0)];
  } catch (error) {
    tally.scenarios += 1;
    return [`the scenario itself failed: ${errorMessage(error)}`, ...stray.splice(0)];
  }
}
