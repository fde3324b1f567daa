/** The model devices for Stratum: simulated miners that open and stumble as the known firmwares do, over real TCP. */
import { admitListed } from "../../host/device/stratum/admission.ts";
import { StratumServer } from "../../host/device/stratum/server.ts";
import { FakeMiner } from "../../host/device/stratum/testing/fake-miner.ts";
import { ESP_MINER, LVXX, OLDEST, type Profile, S9, STOCK } from "../../host/device/stratum/testing/profiles.ts";
import type { Ability } from "../rig/bench.ts";
import { before } from "../rig/deadline.ts";
import type { StratumTap } from "../rig/dialogue.ts";
import { RigError } from "../rig/error.ts";
import type { BenchFor, Target } from "../rig/target.ts";
import { lacking } from "./live-bench.ts";
import { PassingClock } from "./passing-clock.ts";
import { type Joined, MODEL_DIFFICULTY, stratumBenchFor } from "./stratum-bench.ts";
import type { TappedBridge } from "./tapped-bridge.ts";

/** By the name that a target's name ends in; the first is the nearest to a stock LV06. */
export const MODEL_MINERS = { stock: STOCK, esp: ESP_MINER, lvxx: LVXX, oldest: OLDEST, s9: S9 } as const;
export type ModelMiner = keyof typeof MODEL_MINERS;

const WORKER = "model.rig";
const JOIN_MS = 10_000;
const RECONNECT_MS = 50;
const CAN: readonly Ability[] = ["restart", "faults", "work-scale"];

export interface ModelStratumOptions {
  readonly miner: ModelMiner;
  /** Hears every byte of every case. */
  readonly tap?: StratumTap;
  /** Plants a defect into what the host says; for tests of the rig. */
  readonly rewrite?: (text: string) => string;
  /** Hashes a second; default 50,000. */
  readonly hashrate?: number;
  /** Default the system's. */
  readonly utcMs?: () => number;
}

export function modelStratum(options: ModelStratumOptions): Target<"stratum"> {
  const profile = MODEL_MINERS[options.miner];
  return {
    name: `model-stratum-${options.miner}`,
    kind: "model",
    transport: "stratum",
    identity: { id: WORKER, firmware: `${profile.name}, simulated`, simulated: true, capabilities: new Set() },
    covers: (one) => {
      const reason = lacking(one, new Set(), new Set(CAN));
      return reason === undefined ? { runs: true } : { runs: false, verdict: "not-applicable", reason };
    },
    open: async (_, seed) => openBench(profile, options, seed),
    close: async () => {},
  };
}

function openBench(profile: Profile, options: ModelStratumOptions, seed: number): BenchFor<"stratum"> {
  const clock = new PassingClock();
  const { utcMs = Date.now, hashrate = 50_000 } = options;
  let server: StratumServer | undefined;
  let miner: FakeMiner | undefined;
  const meet = async (bridge: TappedBridge, joined: Promise<Joined>) => {
    server = await StratumServer.listen({ bridge, port: 0 });
    const { port } = server.address;
    miner = new FakeMiner({ profile, port, worker: WORKER, hashrate, reconnectMs: RECONNECT_MS }).start();
    await before(joined, `${profile.name} joins the pool`, [{ clock, ms: JOIN_MS }]);
  };
  return stratumBenchFor({
    ...{ target: "model", clock, startUtcMs: utcMs(), seed, can: CAN, difficulty: MODEL_DIFFICULTY, meet },
    admit: admitListed({ workers: ["lv06"], simulated: ["model"] }),
    ...{ rewrite: options.rewrite, tap: options.tap },
    skip: (ms) => clock.pass(ms),
    restart: async () => miner?.breakOff(),
    close: async (spoilt) => {
      miner?.stop();
      await server?.close();
      clock.close();
      if (!spoilt) expectHealthy(miner);
    },
  });
}

/** What would have broken the real one, and shares refused for other reasons than that a batch overtook them. */
function expectHealthy(miner: FakeMiner | undefined): void {
  const [violation, ...more] = [...(miner?.violations ?? []), ...(miner?.rejections ?? [])];
  if (violation === undefined) return;
  const rest = more.length === 0 ? "" : `, and ${more.length} more`;
  throw new RigError("RIG_DEVICE", `the simulated miner would have broken: ${violation}${rest}`);
}
