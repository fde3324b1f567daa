/** Lines to be typed in the checkout that play scenarios again. */
import type { TransportKind } from "../rig/bench.ts";
import type { Without } from "./steps.ts";

const COMMAND = { usb: "./hil/hil virtual", stratum: "./hil/hil virtual --stratum" } as const;

/** One seed, told in full. */
export function rerunLine(transport: TransportKind, seed: number, { steps, faults }: Without): string {
  const left = (option: string, numbers: readonly number[]) =>
    numbers.length === 0 ? "" : ` --${option} ${numbers.join(",")}`;
  return `${COMMAND[transport]} --seed ${seed}${left("without-steps", steps)}${left("without-faults", faults)}`;
}

/** All of them, by one worker. */
export function rerunMany(transport: TransportKind, from: number, count: number): string {
  return `${COMMAND[transport]} --from ${from} --count ${count} --workers 1`;
}
