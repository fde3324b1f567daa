/** The pool before a miner whose connection fails: nothing counts that was not worked for, and the miner is served again. */
import { errorMessage } from "../../host/base/error.ts";
import { difficultyOf } from "../../host/device/stratum/testing/fake-job.ts";
import { hardSealing, patienceMs, SHARES_MS, Working } from "../cases/stratum/work.ts";
import type { StratumBench } from "../rig/bench.ts";
import { CaseFailure, expectThat, stratumCase } from "../rig/case.ts";
import { boxOn, spoilStratum } from "./bench.ts";
import type { FaultBox } from "./faulty.ts";
import { parseFaults, printFaults } from "./text.ts";

const SEED_END = 2 ** 32;
/** How long a connection stays dead one way, on the case's clock. */
const DEAD_MS = 1500;

interface Spoilt {
  readonly name: string;
  readonly title: string;
  /** All begin `from=ready`. */
  readonly faults: string;
  /** What happens once the first of them has struck; default nothing. */
  readonly meanwhile?: (bench: StratumBench, on: Working, box: FaultBox) => Promise<void>;
  /** How often the device joins in all; default once. */
  readonly joins?: number;
}

const SPOILT: readonly Spoilt[] = [
  {
    name: "split",
    title: "Wherever chunks are cut, both ways, the messages are the same",
    faults: "split@both from=ready",
  },
  {
    name: "glued",
    title: "Messages that come together, both ways, are parted again",
    faults: "glue@both ms=30 from=ready",
  },
  {
    name: "flipped-bits",
    title: "A share with flipped bits may be lost or refused, and nothing else comes of it",
    faults: "flip@read times=2 from=ready",
  },
  {
    name: "lost-lines",
    title: "What the device said and nobody heard costs that message only",
    faults: "lose@read times=2 from=ready",
  },
  {
    name: "doubled-lines",
    title: "A share that comes twice counts once",
    faults: "duplicate@read from=ready",
  },
  {
    name: "stall",
    title: "A connection that stands still for a while loses nothing",
    faults: "stall@both ms=600 times=1 from=ready",
  },
  {
    name: "half-open",
    title: "A connection that is dead one way counts nothing meanwhile, and serves again afterwards",
    faults: "half-open@read times=1 from=ready",
    meanwhile: async (bench, on, box) => {
      const before = on.shares.length;
      await bench.pass(DEAD_MS);
      expectThat(on.shares.length === before, "a share was counted that nobody heard");
      box.heal();
    },
  },
  {
    name: "unplugged",
    title: "A connection that breaks off amid work is begun anew by the device, and its work goes on",
    faults: "unplug@read times=1 from=ready",
    meanwhile: async (_, on) => void (await on.join(2)),
    joins: 2,
  },
];

export const STRATUM_FAULT_CASES = SPOILT.map(({ name, title, faults, meanwhile = async () => {}, joins = 1 }) =>
  stratumCase({
    ...{ id: `stratum/faults/${name}`, title, spec: ["Stratum V1"], level: "MUST", needs: [], can: ["faults"] },
    deadlineMs: SHARES_MS,
    run: async (bench) => {
      const struck = Promise.withResolvers<void>();
      const plan = parseFaults(faults, Math.floor(bench.random() * SEED_END));
      const box = boxOn(bench, plan, struck.resolve);
      spoilStratum(bench, box);
      try {
        const on = await Working.of(bench);
        on.bridge.seek(hardSealing(bench, 0x91));
        await on.more(1);
        box.mark("ready");
        bench.note({ mark: "ready" });
        await bench.settle(struck.promise, patienceMs(bench, 3));
        await meanwhile(bench, on, box);
        await on.more(4);
        expectHonest(on);
        const [miner, ...more] = on.bridge.view().miners;
        expectThat(more.length === 0 && miner?.connections === joins, `it joined ${miner?.connections} times`);
      } catch (error) {
        const told = `${errorMessage(error)}; under ${printFaults(plan)}, struck ${JSON.stringify(box.fired)}`;
        throw new CaseFailure(told, { cause: error });
      }
    },
  }),
);

/** Everything that counts was worked for, and counts once. */
function expectHonest({ shares }: Working): void {
  const headers = shares.map(({ verdict }) => Buffer.from(verdict.header).toString("hex"));
  expectThat(new Set(headers).size === headers.length, "a share was counted twice");
  for (const { verdict, difficulty } of shares)
    expectThat(difficultyOf(verdict.header) >= difficulty, "a share was counted that was not worked for");
}
