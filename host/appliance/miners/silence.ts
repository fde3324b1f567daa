/** Since when no valid share has come from a miner that should hash. */
import type { ProvenWork } from "../../device/axeos/judge.ts";
import type { MinerView } from "../../device/stratum/miners.ts";

export class Silence {
  #accepted = 0;
  #lastShareMs = Number.NEGATIVE_INFINITY;

  /**
   * A new connection is no share: one that connects again and again and sends none is silent all the while. The
   * silence of a pause, or of a pool that was away, is not the miner's.
   *
   * @param view undefined: it has never connected
   * @param hashingSinceMs since when it should hash, without a break
   */
  at(nowMs: number, view: MinerView | undefined, hashingSinceMs: number): ProvenWork {
    const accepted = view?.accepted ?? 0;
    if (view !== undefined && accepted > this.#accepted) this.#lastShareMs = nowMs - view.quietMs;
    this.#accepted = accepted;
    const hashrate = view?.hashrate ?? null;
    return {
      sinceMs: Math.max(this.#lastShareMs, hashingSinceMs),
      meanMs: view?.meanShareMs ?? null,
      difficulty: view?.difficulty ?? null,
      hashrateGhs: hashrate === null ? null : hashrate / 1e9,
    };
  }
}
