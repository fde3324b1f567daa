/** Waiting until a miner has been seen to work for the pool. */
import type { Config } from "../../config/schema.ts";
import { type Clock, sleep } from "../../device/clock.ts";
import type { Endpoint } from "../endpoint.ts";

/** What has been seen of the miner at the pool. */
export type Sighting = "nothing" | "connected" | "share";

export interface Waiting {
  readonly deadlineMs: number;
  /** Its reason is thrown soon after it is aborted. */
  readonly signal: AbortSignal;
  /** Called several times a second. */
  readonly onWait: (elapsedMs: number) => void;
}

export interface Prover {
  /** `own`: the pool was opened for this. `appliance`: it belongs to the running appliance. */
  readonly pool: "own" | "appliance";
  /** Ends with a share of the worker, or at the deadline. @throws PairError PAIR_SILENT */
  wait(waiting: Waiting): Promise<Sighting>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface ProverOptions {
  readonly config: Pick<Config, "site" | "appliance" | "device" | "mqtt">;
  /** `device.stratum.listen`. */
  readonly listen: Endpoint;
  readonly worker: string;
  /** Whether the miner is set to this pool already: it may be connected, and what it did before a wait proves nothing. */
  readonly isSet: boolean;
  /** Called where the appliance's health has to be waited for. */
  readonly onHearing: (everyS: number) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const POLL_MS = 200;

/** @throws what `look` does; the signal's reason */
export async function watch(
  look: () => Sighting,
  clock: Clock,
  { deadlineMs, signal, onWait }: Waiting,
): Promise<Sighting> {
  const sinceMs = clock.nowMs();
  for (;;) {
    signal.throwIfAborted();
    const seen = look();
    const elapsedMs = clock.nowMs() - sinceMs;
    if (seen === "share" || elapsedMs >= deadlineMs) return seen;
    onWait(elapsedMs);
    await sleep(clock, POLL_MS);
  }
}
