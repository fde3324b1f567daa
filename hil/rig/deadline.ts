/** Waits that end: at the first of several deadlines, or when the run is told to stop. */
import type { Clock } from "../../host/device/clock.ts";
import { RigError } from "./error.ts";

export interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
}

/**
 * Gives what `work` gives. What is given up goes on, and its end is of no interest any more.
 *
 * @param what completes `not done within 5000 ms: …`
 * @throws RigError RIG_DEADLINE; the signal's reason
 */
export function before<T>(
  work: Promise<T>,
  what: string,
  deadlines: readonly Deadline[],
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancels = deadlines.map(({ clock, ms }) =>
      clock.after(ms, () => end(() => reject(new RigError("RIG_DEADLINE", `not done within ${ms} ms: ${what}`)))),
    );
    const stop = () => end(() => reject(signal?.reason));
    const end = (settle: () => void) => {
      for (const cancel of cancels) cancel();
      signal?.removeEventListener("abort", stop);
      settle();
    };
    work.then(
      (value) => end(() => resolve(value)),
      (error) => end(() => reject(error)),
    );
    if (signal?.aborted === true) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}
