/** One case on one target, as the runner does it. */
import { PATIENCE, tryCase } from "../../rig/attempt.ts";
import type { TransportKind } from "../../rig/bench.ts";
import type { Case } from "../../rig/case.ts";
import type { Attempt } from "../../rig/report.ts";
import type { Target } from "../../rig/target.ts";

export async function tryOn<Kind extends TransportKind>(target: Target<Kind>, one: Case<Kind>): Promise<Attempt> {
  const context = { around: {}, patience: PATIENCE, signal: new AbortController().signal, sinceMs: () => 0 };
  const { attempt } = await tryCase({ target, one, seed: 99, attempt: 1 }, context);
  return attempt;
}
