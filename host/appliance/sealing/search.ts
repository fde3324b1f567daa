/** One sealed value, all devices: the first proof that any of them finds is taken, whatever comes and goes meanwhile. */
import type { Clock } from "../../device/clock.ts";
import type { Changes } from "../changes.ts";
import type { FoundWork, Searcher } from "./searchers.ts";

/** After a search that came to nothing at once: a device that refuses is not asked without end. */
const PAUSE_MS = 1000;

export interface SearchParts {
  readonly searchers: readonly Searcher[];
  /** Devices came or went. */
  readonly changes: Changes;
  readonly clock: Clock;
}

/** Whether simulated devices may take part: only while no real one is there, so that they never stand in for it. */
export function simulatedMay(searchers: readonly Searcher[]): boolean {
  return searchers.every((searcher) => searcher.presence() !== "real");
}

/** Null: told to stop. Never throws. */
export async function searchWork(
  parts: SearchParts,
  commitment: Uint8Array,
  signal: AbortSignal,
): Promise<FoundWork | null> {
  const over = new AbortController();
  const stop = () => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const { promise, resolve } = Promise.withResolvers<FoundWork | null>();
  const loops = parts.searchers.map(async (searcher) => {
    const found = await searchWith(searcher, parts, commitment, over.signal);
    // The others are told to stop; that they have is not waited for.
    if (found === null) return;
    resolve(found);
    stop();
  });
  void Promise.all(loops).then(() => resolve(null));
  const found = await promise;
  signal.removeEventListener("abort", stop);
  return found;
}

async function searchWith(
  searcher: Searcher,
  { searchers, changes, clock }: SearchParts,
  commitment: Uint8Array,
  signal: AbortSignal,
): Promise<FoundWork | null> {
  while (!signal.aborted) {
    const simulated = simulatedMay(searchers);
    const presence = searcher.presence();
    if (presence === "none" || (presence === "simulated" && !simulated)) {
      await changes.next(signal);
      continue;
    }
    const round = new AbortController();
    const stopHearing = changes.listen(() => {
      if (simulatedMay(searchers) !== simulated) round.abort();
    });
    const found = await searcher.seek({ commitment, simulated }, AbortSignal.any([signal, round.signal]));
    stopHearing();
    if (found !== null) return found;
    if (!round.signal.aborted) await pause(clock, PAUSE_MS, signal);
  }
  return null;
}

/** Ends early when the signal aborts. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal.addEventListener("abort", done, { once: true });
  });
}
