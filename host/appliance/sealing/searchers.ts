/** The devices that can search a work proof, each as the sealing loop sees it. */
import { errorCode, errorMessage } from "../../base/error.ts";
import type { Device } from "../../device/device.ts";
import { DeviceError } from "../../device/errors.ts";
import { type SeekTools, seekByWork } from "../../device/seek.ts";
import type { MinerView } from "../../device/stratum/miners.ts";
import type { Seal } from "../../seal/seal.ts";
import { ShareTimes, togetherMs } from "../../seal/share-times.ts";
import type { WorkProof } from "../../work/proof.ts";
import type { ConfiguredDevice } from "../device.ts";
import type { Pool } from "../pool.ts";

/** What was found: verified by the device's own room, and once more when the seal is made. */
export interface FoundWork {
  readonly proof: WorkProof;
  readonly device: Seal["device"];
  /** What was asked for. */
  readonly difficulty: number;
}

export interface SearchJob {
  /** D, 32 bytes. */
  readonly commitment: Uint8Array;
  /** Whether simulated devices may take part: only while no real one is there. */
  readonly simulated: boolean;
}

export interface Searcher {
  /** The best of what is there. */
  presence(): "real" | "simulated" | "none";
  /** Mean wait for a proof, by what was observed of it; null while it cannot take part. */
  expectedMs(simulated: boolean): number | null;
  /** Never throws. Null: nothing found, for whatever reason. */
  seek(job: SearchJob, signal: AbortSignal): Promise<FoundWork | null>;
}

export interface Difficulties {
  readonly real: number;
  readonly simulated: number;
}

const HASHES_PER_DIFFICULTY = 2 ** 32;
/** A BM1366 at the LV06's stock clock, and the model device as it comes: where estimates begin. */
const NOMINAL_HASHES_PER_S = { real: 433.6e9, simulated: 4096 } as const;
/** Real devices were seen to need three times as long as their data sheet says; the first shares tell. */
const CAUTION = 1 / 4;
const USB_SLICE_MS = 30_000;
const POOL_SLICE_MS = 3_600_000;

export interface SearchTools extends SeekTools {
  readonly nowMs: () => number;
  /** A search that failed. May not throw. */
  readonly onTrouble: (code: string, message: string) => void;
}

/** Direct-hash firmware on a serial line, by WORK. */
export class UsbSearcher implements Searcher {
  readonly #device: Pick<ConfiguredDevice, "current" | "judged">;
  readonly #difficulties: Difficulties;
  readonly #tools: SearchTools;
  /** The search before: its STOP may still be under way when the next batch comes. */
  #before: Promise<unknown> = Promise.resolve();
  #times: { readonly id: string; readonly times: ShareTimes } | undefined;

  constructor(device: Pick<ConfiguredDevice, "current" | "judged">, difficulties: Difficulties, tools: SearchTools) {
    this.#device = device;
    this.#difficulties = difficulties;
    this.#tools = tools;
  }

  presence(): "real" | "simulated" | "none" {
    const device = this.#working();
    if (device === undefined) return "none";
    return device.info.simulated ? "simulated" : "real";
  }

  expectedMs(simulated: boolean): number | null {
    const device = this.#working();
    if (device === undefined || (device.info.simulated && !simulated)) return null;
    return this.#timesOf(device.info).expectedMs(this.#difficultyOf(device.info));
  }

  seek(job: SearchJob, signal: AbortSignal): Promise<FoundWork | null> {
    const search = this.#before.then(() => this.#seek(job, signal));
    this.#before = search;
    return search;
  }

  async #seek({ commitment }: SearchJob, signal: AbortSignal): Promise<FoundWork | null> {
    const device = this.#working();
    if (device === undefined || signal.aborted) return null;
    const { id, simulated } = device.info;
    const difficulty = this.#difficultyOf(device.info);
    const startedMs = this.#tools.nowMs();
    try {
      const job = { commitment, difficulty, deadlineMs: USB_SLICE_MS };
      const outcome = await seekByWork(device, job, this.#tools, { signal });
      const exposureMs = Math.max(1, this.#tools.nowMs() - startedMs);
      const shares = outcome.kind === "found" ? 1 : 0;
      this.#timesOf(device.info).observe({ exposureMs, shares, difficulty });
      if (outcome.kind === "failed") throw new DeviceError("DEVICE_REFUSED", `${id} gave its search up (SPEC 5.6)`);
      if (outcome.kind !== "found") return null;
      this.#device.judged(device, { kind: "right" });
      return { proof: outcome.proof, device: { kind: "usb", simulated, name: id }, difficulty };
    } catch (error) {
      if (errorCode(error) !== "DEVICE_ABORTED") this.#failed(device, error);
      return null;
    }
  }

  #failed(device: Device, error: unknown): void {
    this.#device.judged(device, { kind: "failed", error });
    this.#tools.onTrouble(errorCode(error), errorMessage(error));
  }

  #working() {
    const device = this.#device.current();
    return device?.info.capabilities.has("work") ? device : undefined;
  }

  #difficultyOf({ simulated }: { readonly simulated: boolean }): number {
    return simulated ? this.#difficulties.simulated : this.#difficulties.real;
  }

  #timesOf({ id, simulated }: { readonly id: string; readonly simulated: boolean }): ShareTimes {
    if (this.#times?.id !== id) {
      this.#times = { id, times: new ShareTimes(NOMINAL_HASHES_PER_S[simulated ? "simulated" : "real"]) };
    }
    return this.#times.times;
  }
}

/** Miners with stock firmware, by the Stratum pool. */
export class PoolSearcher implements Searcher {
  readonly #pool: Pool;
  readonly #difficulties: Difficulties;
  readonly #onTrouble: SearchTools["onTrouble"];

  constructor(pool: Pool, difficulties: Difficulties, onTrouble: SearchTools["onTrouble"]) {
    this.#pool = pool;
    this.#difficulties = difficulties;
    this.#onTrouble = onTrouble;
  }

  presence(): "real" | "simulated" | "none" {
    const present = this.#pool.present();
    if (present === undefined) return "none";
    return present.simulated ? "simulated" : "real";
  }

  expectedMs(simulated: boolean): number | null {
    const miners = this.#pool.view()?.miners ?? [];
    const working = miners.filter((miner) => miner.connected > 0 && (simulated || !miner.simulated));
    return togetherMs(working.map((miner) => this.#meanMs(miner)));
  }

  async seek({ commitment, simulated }: SearchJob, signal: AbortSignal): Promise<FoundWork | null> {
    const device = this.#pool.device;
    if (device === undefined) return null;
    const { real, simulated: fraction } = this.#difficulties;
    const sealing = { commitment, difficulty: real, simulatedDifficulty: simulated ? fraction : null };
    try {
      const outcome = await device.seek({ ...sealing, deadlineMs: POOL_SLICE_MS }, { signal });
      if (outcome.kind !== "found") return null;
      const { proof, worker } = outcome;
      const about = { kind: "stratum", simulated: worker.simulated, name: worker.name } as const;
      return { proof, device: about, difficulty: worker.simulated ? fraction : real };
    } catch (error) {
      // A pool that was closed under it says so itself.
      if (errorCode(error) !== "STRATUM_CLOSED") this.#onTrouble(errorCode(error), errorMessage(error));
      return null;
    }
  }

  /** Connections of one name are as many machines, each as fast as the name's shares say on average. */
  #meanMs({ simulated, difficulty, hashrate, connected }: MinerView): number {
    const wanted = simulated ? this.#difficulties.simulated : this.#difficulties.real;
    const rate = hashrate ?? NOMINAL_HASHES_PER_S[simulated ? "simulated" : "real"] * CAUTION;
    return (Math.max(wanted, difficulty ?? 0) * HASHES_PER_DIFFICULTY * 1000) / (rate * connected);
  }
}
