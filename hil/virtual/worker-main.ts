/** A worker of the virtual-time tier: seeds in, what became of them out. */
import { parentPort } from "node:worker_threads";
import { errorMessage } from "../../host/base/error.ts";
import { CorePool } from "./cores.ts";
import { HeapWatch } from "./heap.ts";
import { rerunLine } from "./rerun.ts";
import { runScenario } from "./scenario.ts";
import type { FailedSeed, Order, Said } from "./scenario-worker.ts";
import { WHOLE } from "./steps.ts";
import { runStratumScenario } from "./stratum.ts";
import { EMPTY_TALLY, stratumTally, type Tally, together, usbTally } from "./tally.ts";

interface One {
  readonly tally: Tally;
  readonly findings: readonly string[];
}

const stray: string[] = [];
process.on("unhandledRejection", (error) => stray.push(`a rejection that nobody heard: ${errorMessage(error)}`));
const heap = new HeapWatch();
let scenarios = 0;
let building: Promise<CorePool> | undefined;

parentPort?.on("message", (order: Order) => {
  const say = (said: Said) => parentPort?.postMessage(said);
  if (order.kind === "end") say({ kind: "ended", memory: heap.judge(scenarios) });
  else {
    play(order).then(say, (error: unknown) => {
      say({ kind: "broken", message: errorMessage(error) });
    });
  }
});

async function play({ transport, from, count }: Extract<Order, { kind: "play" }>): Promise<Said> {
  building ??= transport === "usb" ? CorePool.build() : undefined;
  const pool = await building;
  let tally = EMPTY_TALLY;
  const failures: FailedSeed[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const played = await playOne(pool, seed);
    tally = together(tally, played.tally);
    if (played.findings.length > 0) {
      failures.push({ seed, findings: played.findings, rerun: rerunLine(transport, seed, WHOLE) });
    }
  }
  scenarios += count;
  heap.played(scenarios);
  return { kind: "played", tally, failures };
}

/** @param pool of cores, for USB */
async function playOne(pool: CorePool | undefined, seed: number): Promise<One> {
  try {
    const { tally, findings } = await (pool === undefined ? playStratum(seed) : playUsb(pool, seed));
    return { tally, findings: [...findings, ...stray.splice(0)] };
  } catch (error) {
    const findings = [`the scenario itself failed: ${errorMessage(error)}`, ...stray.splice(0)];
    return { tally: { ...EMPTY_TALLY, scenarios: 1 }, findings };
  }
}

async function playUsb(pool: CorePool, seed: number): Promise<One> {
  const report = await runScenario(pool, seed);
  return { tally: usbTally(report), findings: report.findings };
}

async function playStratum(seed: number): Promise<One> {
  const report = await runStratumScenario(seed);
  return { tally: stratumTally(report), findings: report.findings };
}
