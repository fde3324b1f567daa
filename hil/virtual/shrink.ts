/** Makes a failing scenario smaller: what can be left out, with the failure still there, is. */
import { drawScenario, type Without } from "./steps.ts";

export interface Shrunk {
  readonly without: Without;
  readonly steps: number;
  readonly faults: number;
}

/** @param fails whether the scenario fails with these parts left out */
export async function shrink(seed: number, fails: (without: Without) => Promise<boolean>): Promise<Shrunk> {
  const { steps, plan } = drawScenario(seed);
  let without: Without = { steps: [], faults: [] };
  for (let before = -1; size(without) > before; ) {
    before = size(without);
    for (const part of ["faults", "steps"] as const) {
      const count = part === "steps" ? steps.length : plan.faults.length;
      // From the end: what comes late is seldom the cause.
      for (let i = count - 1; i >= 0; i--) {
        const tried: Without = { ...without, [part]: [...without[part], i].sort((a, b) => a - b) };
        if (!without[part].includes(i) && (await fails(tried))) without = tried;
      }
    }
  }
  return {
    without,
    steps: steps.length - without.steps.length,
    faults: plan.faults.length - without.faults.length,
  };
}

function size({ steps, faults }: Without): number {
  return steps.length + faults.length;
}
