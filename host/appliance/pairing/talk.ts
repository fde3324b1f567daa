/** What a pairing asks and tells the person who wants it. */
import type { Clock } from "../../device/clock.ts";
import type { Sighting, Waiting } from "./sighting.ts";

export type Step =
  /** The appliance has the pool: its health is waited for, which comes at this interval. */
  | { readonly kind: "hearing"; readonly everyS: number }
  /** From now on the miner is changed. */
  | { readonly kind: "setting"; readonly recordPath: string }
  /** It was set to the pool already: a share is waited for all the same. */
  | { readonly kind: "already" }
  /** That it did not connect: so its settings may not be in force yet. */
  | { readonly kind: "restarting" }
  /** It has restarted. */
  | { readonly kind: "proving" }
  /** How that ended, and whether the miner is set back where it ended badly. */
  | { readonly kind: "seen"; readonly sighting: Sighting; readonly undoes: boolean };

export interface Talk {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Asked before anything is changed. */
  readonly confirm: (says: readonly string[]) => Promise<boolean>;
  readonly onStep: (step: Step) => void;
  /** Runs a wait for a share, with something that shows how long it takes. */
  readonly whileProving: (wait: (onWait: Waiting["onWait"]) => Promise<Sighting>) => Promise<Sighting>;
}

export function timing({ clock }: Pick<Talk, "clock">, restartMs: number | undefined) {
  return { clock, ...(restartMs === undefined ? {} : { restartMs }) };
}
