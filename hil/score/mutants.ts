/** All planted defects, by what they are about. */
import type { Mutant } from "./mutant.ts";
import { CORE_HASH_MUTANTS } from "./mutants/core-hash.ts";
import { CORE_IMAGE_MUTANTS } from "./mutants/core-image.ts";
import { CORE_LINE_MUTANTS } from "./mutants/core-line.ts";
import { CORE_WORK_MUTANTS } from "./mutants/core-work.ts";
import { HOST_DRIVER_MUTANTS } from "./mutants/host-driver.ts";
import { HOST_HELD_MUTANTS } from "./mutants/host-held.ts";
import { HOST_LINE_MUTANTS } from "./mutants/host-line.ts";
import { MODEL_MUTANTS } from "./mutants/model.ts";
import { POOL_MUTANTS } from "./mutants/pool.ts";
import { RECORDING_MUTANTS } from "./mutants/recording.ts";
import { WORK_MUTANTS } from "./mutants/work.ts";

const GROUPS: readonly (readonly Mutant[])[] = [
  HOST_LINE_MUTANTS,
  HOST_DRIVER_MUTANTS,
  HOST_HELD_MUTANTS,
  POOL_MUTANTS,
  WORK_MUTANTS,
  CORE_LINE_MUTANTS,
  CORE_HASH_MUTANTS,
  CORE_WORK_MUTANTS,
  CORE_IMAGE_MUTANTS,
  MODEL_MUTANTS,
  RECORDING_MUTANTS,
];

export const MUTANTS: readonly Mutant[] = GROUPS.flat();

/** One of each group that something is to find. @param seed others with another one */
export function quickOnes(seed: number): readonly Mutant[] {
  return GROUPS.flatMap((group) => {
    const mortal = group.filter(({ survives }) => survives === undefined);
    return mortal[seed % mortal.length] ?? [];
  });
}
