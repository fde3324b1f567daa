/**
 * A real miner that works for the rig's pool (docs/stock-devices.md, `lv06 device pair`). It comes to us, so it is
 * waited for. Written without hardware and never run on any: shown with simulated miners over TCP only.
 */
import type { Admit } from "../../host/device/stratum/admission.ts";
import { admitListed } from "../../host/device/stratum/admission.ts";
import type { BridgeOptions } from "../../host/device/stratum/bridge.ts";
import { StratumServer } from "../../host/device/stratum/server.ts";
import { Seeded } from "../../host/device/testing/seeded.ts";
import type { Ability } from "../rig/bench.ts";
import { before } from "../rig/deadline.ts";
import type { StratumTap } from "../rig/dialogue.ts";
import { RigError } from "../rig/error.ts";
import type { BenchFor, Target } from "../rig/target.ts";
import { lacking } from "./live-bench.ts";
import { minerClient } from "./miner-client.ts";
import { PassingClock } from "./passing-clock.ts";
import { type Joined, MODEL_DIFFICULTY, REAL_DIFFICULTY, stratumBenchFor } from "./stratum-bench.ts";
import { Switchboard } from "./switchboard.ts";
import type { TappedBridge } from "./tapped-bridge.ts";

const WAIT_MS = 120_000;
/** It listens first, and says itself that nobody came. */
export const OPEN_MS = WAIT_MS + 5_000;
const PROGRESS_MS = 10_000;
/** Whatever mines there, this side of its connection can be spoilt. */
const REAL_CAN: readonly Ability[] = ["faults", "hash-power"];
const SIMULATED_CAN: readonly Ability[] = ["faults", "work-scale"];
/** Odd, and far from what a neighbouring case may have. */
const SEED_STEP = 0x9e3779b9;
const MOST_NAME_CHARS = 64;

export interface RealStratumOptions {
  /** `host:port` of this machine, where the miner finds its pool: HIL_STRATUM. */
  readonly address: string;
  /** Admitted workers, as in `device.stratum.workers`; default `lv06`. */
  readonly workers?: readonly string[];
  /** Those of them that are models; the target then says so. */
  readonly simulated?: readonly string[];
  /** For the miner to come, at first and for every case; default 120,000. */
  readonly waitMs?: number;
  readonly onProgress?: (words: string) => void;
  /** Hears every byte of every case. */
  readonly tap?: StratumTap;
}

/**
 * Listens, and waits for a miner.
 *
 * @throws RigError RIG_NO_REAL, RIG_WRONG_DEVICE; StratumError STRATUM_LISTEN
 */
export async function openRealStratum(options: RealStratumOptions): Promise<Target<"stratum">> {
  const { host, port } = parseAddress(options.address);
  const pool = new RealPool(options);
  const server = await StratumServer.listen({ bridge: pool.switchboard, host, port });
  try {
    const where = `${host}:${server.address.port}`;
    options.onProgress?.(`waiting ${(options.waitMs ?? WAIT_MS) / 1000} s for a miner at stratum+tcp://${where}`);
    const { worker } = await pool.arrival(where);
    const client = minerClient(worker.client);
    options.onProgress?.(`${worker.name} is here: ${client.words}`);
    if (!client.fits) throw new RigError("RIG_WRONG_DEVICE", `the worker ${worker.name} is no LV06: ${client.words}`);
    const { simulated } = worker;
    const can = simulated ? SIMULATED_CAN : REAL_CAN;
    return {
      name: "real-stratum",
      kind: "real",
      transport: "stratum",
      identity: { id: worker.name, firmware: worker.client, simulated, capabilities: new Set() },
      covers: (one) => {
        const reason = lacking(one, new Set(), new Set(can));
        return reason === undefined ? { runs: true } : { runs: false, verdict: "not-applicable", reason };
      },
      present: async () => void (await pool.arrival(where)),
      open: async (_, seed) => pool.bench(seed, can, simulated),
      close: () => pool.close(server),
    };
  } catch (error) {
    await pool.close(server);
    throw error;
  }
}

class RealPool {
  readonly #options: RealStratumOptions;
  readonly #clock = new PassingClock();
  readonly #admit: Admit;
  /** How often each was used: a device drops job ids that it remembers, so a second attempt has others. */
  readonly #seeds = new Map<number, number>();
  /** Of a miner at the idle bridge. */
  #arrived = Promise.withResolvers<Joined>();
  readonly switchboard: Switchboard;

  constructor(options: RealStratumOptions) {
    this.#options = options;
    const { workers = ["lv06"], simulated = [] } = options;
    const listed = admitListed({ workers, simulated });
    this.#admit = (name) => {
      const admission = listed(name);
      if (admission.kind === "refused")
        this.#tell(`a miner calls its worker "${printable(name)}", and is not admitted`);
      return admission;
    };
    this.switchboard = new Switchboard(this.#idle());
  }

  /** The first miner that comes, or is there, while no case has it. @throws RigError RIG_NO_REAL */
  async arrival(where: string): Promise<Joined> {
    const { waitMs = WAIT_MS } = this.#options;
    let waitedMs = 0;
    const timer = setInterval(() => {
      waitedMs += PROGRESS_MS;
      this.#tell(`no miner yet after ${waitedMs / 1000} of ${waitMs / 1000} s`);
    }, PROGRESS_MS);
    try {
      return await before(this.#arrived.promise, "a miner comes", [{ clock: this.#clock, ms: waitMs }]);
    } catch (error) {
      throw new RigError("RIG_NO_REAL", `no miner came to ${where} within ${waitMs / 1000} s`, { cause: error });
    } finally {
      clearInterval(timer);
    }
  }

  bench(seed: number, can: readonly Ability[], simulated: boolean): BenchFor<"stratum"> {
    const clock = new PassingClock();
    const { waitMs = WAIT_MS, tap } = this.#options;
    const uses = this.#seeds.get(seed) ?? 0;
    this.#seeds.set(seed, uses + 1);
    const meet = async (bridge: TappedBridge, joined: Promise<Joined>) => {
      this.#arrived = Promise.withResolvers();
      this.switchboard.turnTo(bridge);
      await before(joined, "the miner comes back for this case", [{ clock, ms: waitMs }]);
    };
    return stratumBenchFor({
      ...{
        target: "real",
        clock,
        startUtcMs: Date.now(),
        seed: (seed + uses * SEED_STEP) >>> 0,
        can,
        meet,
        tap,
        admit: this.#admit,
      },
      difficulty: simulated ? MODEL_DIFFICULTY : REAL_DIFFICULTY,
      close: async () => {
        this.switchboard.release();
        clock.close();
      },
    });
  }

  async close(server: StratumServer): Promise<void> {
    await server.close();
    this.#clock.close();
  }

  #tell(words: string): void {
    this.#options.onProgress?.(words);
  }

  #idle(): BridgeOptions {
    const numbers = new Seeded(Date.now());
    return {
      ...{ admit: this.#admit, clock: this.#clock, utcMs: Date.now, random: (count) => numbers.bytes(count) },
      onProof: () => {},
      onEvent: (event) => void (event.kind === "joined" && this.#arrived.resolve(event)),
    };
  }
}

/** @throws RigError RIG_NO_REAL */
function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const [, host = "", port = ""] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(address) ?? [];
  if (host !== "" && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new RigError("RIG_NO_REAL", `HIL_STRATUM is "${address}", not an address of this machine and a port`);
}

function printable(text: string): string {
  return text.replace(/[^ -~]/g, "").slice(0, MOST_NAME_CHARS);
}
