/** A device at work for a bridge, and waits for what comes of it. All waits are for events, so that a recording can be fed. */

import type { Sealing } from "../../../host/device/stratum/batch.ts";
import type { BridgeEvent, FoundProof, StratumBridge } from "../../../host/device/stratum/bridge.ts";
import type { AcceptedShare } from "../../../host/device/stratum/miner-work.ts";
import type { BridgeChoices, StratumBench } from "../../rig/bench.ts";
import { CaseFailure } from "../../rig/case.ts";
import { RAW_WORKER } from "../../targets/tapped-bridge.ts";
import { messageOf } from "./talk.ts";

/** For a case that waits for shares of a real device: it takes what it takes. */
export const SHARES_MS = 600_000;
/** As an LV06 was recorded at difficulty 256. */
export const RECORDED_SHARE_MS = 7_100;
const MODEL_PATIENCE_MS = 20_000;

/** How long a device may take for so many shares: all but one in a million of an LV06's attempts are done by then. */
export function patienceMs({ difficulty }: StratumBench, shares: number): number {
  return difficulty < 1 ? MODEL_PATIENCE_MS : (shares + 5 * Math.sqrt(shares) + 10) * RECORDED_SHARE_MS;
}

/** A batch that the bench's device seals with its next share. */
export function sealing({ difficulty }: StratumBench, byte: number): Sealing {
  return batchOf(byte, difficulty);
}

/** A batch that no device seals within a case. */
export function hardSealing({ difficulty }: StratumBench, byte: number): Sealing {
  return batchOf(byte, difficulty * 2 ** 24);
}

function batchOf(byte: number, difficulty: number): Sealing {
  return { commitment: Buffer.alloc(32, byte), difficulty: Math.max(difficulty, 1), simulatedDifficulty: difficulty };
}

/** Stratum's code for what a new job overtook; nobody's fault. */
const STALE = 21;
/** A device may err once; three times in a row it, or the host, is wrong. */
const REFUSALS = 3;

/** Never settles but with a failure, once three shares in a row were refused for another reason than being late. */
async function threeRefused({ dialogue }: StratumBench): Promise<never> {
  const submits = new Set<string>();
  let row = 0;
  let words = "";
  await dialogue.first((line) => {
    const message = messageOf(line);
    const key = `${line.connection}/${JSON.stringify(message?.id)}`;
    if (message?.method === "mining.submit") submits.add(key);
    if (message === null || line.from === "device" || message.method !== "" || !submits.delete(key)) return false;
    const [code, text] = Array.isArray(message.error) ? message.error : [];
    row = message.result === true ? 0 : row + (code === STALE ? 0 : 1);
    words = `${code} ${text}`;
    return row === REFUSALS;
  });
  throw new CaseFailure(`${REFUSALS} shares in a row were refused, the last with ${words}`);
}

/** What came, and who waits for more. */
class Arrivals<T> {
  readonly items: T[] = [];
  readonly #waiters: { readonly count: number; readonly resolve: (item: T) => void }[] = [];

  add(item: T): void {
    this.items.push(item);
    for (const { count, resolve } of this.#waiters) if (count === this.items.length) resolve(item);
  }

  /** The one with this number, from 1. */
  nth(count: number): Promise<T> {
    const there = this.items[count - 1];
    if (there !== undefined) return Promise.resolve(there);
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }
}

/** What the bench's own device does; raw clients are left out. */
export class Working {
  readonly #bench: StratumBench;
  readonly #shares = new Arrivals<AcceptedShare>();
  readonly #proofs = new Arrivals<FoundProof>();
  readonly #joins = new Arrivals<BridgeEvent>();
  readonly bridge: StratumBridge;

  private constructor(bench: StratumBench, bridge: StratumBridge) {
    this.#bench = bench;
    this.bridge = bridge;
  }

  /** Resolves when the device has joined and has its first job. */
  static async of(bench: StratumBench, choices: Pick<BridgeChoices, "vardiff" | "simulatedVardiff"> = {}) {
    let working: Working | undefined;
    const early: (() => void)[] = [];
    const note = (what: (on: Working) => void) => {
      if (working === undefined) early.push(() => working !== undefined && what(working));
      else what(working);
    };
    const bridge = await bench.bridge({
      ...choices,
      onShare: (share, { name }) => void (name !== RAW_WORKER && note((on) => on.#shares.add(share))),
      onProof: (found) => void (found.worker.name !== RAW_WORKER && note((on) => on.#proofs.add(found))),
      onEvent: (event) =>
        void (event.kind === "joined" && event.worker.name !== RAW_WORKER && note((on) => on.#joins.add(event))),
    });
    working = new Working(bench, bridge);
    for (const late of early) late();
    return working;
  }

  get shares(): readonly AcceptedShare[] {
    return this.#shares.items;
  }

  get proofs(): readonly FoundProof[] {
    return this.#proofs.items;
  }

  /** @throws RigError RIG_DEADLINE */
  share(count: number): Promise<AcceptedShare> {
    return this.#work(this.#shares.nth(count), count);
  }

  /** As many more. @throws RigError RIG_DEADLINE */
  more(count: number): Promise<AcceptedShare> {
    return this.share(this.shares.length + count);
  }

  /** @throws RigError RIG_DEADLINE */
  proof(count: number): Promise<FoundProof> {
    return this.#work(this.#proofs.nth(count), count);
  }

  /** @throws RigError RIG_DEADLINE */
  join(count: number): Promise<BridgeEvent> {
    return this.#bench.settle(this.#joins.nth(count), 120_000);
  }

  /** @throws CaseFailure where the device's shares are refused again and again */
  #work<T>(work: Promise<T>, shares: number): Promise<T> {
    return this.#bench.settle(Promise.race([work, threeRefused(this.#bench)]), patienceMs(this.#bench, shares));
  }
}
