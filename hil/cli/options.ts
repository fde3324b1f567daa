/** Options that several commands share, and what may stand in them. */
import type { Command } from "commander";
import { UsageError } from "../../host/cli/error.ts";
import { drawSeed, SEED_END } from "../rig/seed.ts";

/** The options of every command that speaks with devices. */
export function onTarget(command: Command): Command {
  return command
    .option(
      "--target <names>",
      "model, replay, real, all, or a target's name; several with commas (default: model, replay, and real if one answers)",
    )
    .option("--port <path>", "serial port of a real device (default: the hardware map's)")
    .option("--stratum <address>", "address of this machine on which a paired miner finds its pool");
}

/** The option of the commands that can spoil a line, and have no recording of it to keep. */
export function withFaults(command: Command): Command {
  return command.option(
    "--faults <plan>",
    "faults on every line, such as 'flip@both p=0.001; stall@read times=1 ms=700' (`hil faults` lists them)",
  );
}

/** The option of the commands that play recordings. */
export function withPace(command: Command): Command {
  return command.option(
    "--pace <pace>",
    "how fast recordings are played back: max, recorded, or a line's rate in baud (default: max)",
  );
}

/** @throws UsageError USAGE_OPTION */
export function seedOf({ seed }: { readonly seed?: string }): number {
  return seed === undefined ? drawSeed() : wholeNumber("--seed", seed, 0, SEED_END - 1);
}

/** @throws UsageError USAGE_OPTION */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d{1,12}$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError("USAGE_OPTION", `${option} ${text} is not a whole number from ${least} to ${most}`);
}
