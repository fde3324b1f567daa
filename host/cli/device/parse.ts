/** What is typed on the command line, as values. All throw UsageError USAGE_OPTION. */
import { UsageError } from "../error.ts";

/** A whole number from `least` to `most`. */
export function fromNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= least && value <= most) return value;
  throw new UsageError("USAGE_OPTION", `${option} ${text} is not a whole number from ${least} to ${most}`);
}

/** @param sizeBytes exactly so many, where given */
export function fromHex(option: string, text: string, sizeBytes?: number): Buffer {
  const whole = /^([0-9a-f]{2})*$/i.test(text);
  if (whole && (sizeBytes === undefined || text.length === 2 * sizeBytes)) return Buffer.from(text, "hex");
  const wanted = sizeBytes === undefined ? "whole bytes in hexadecimal digits" : `${2 * sizeBytes} hexadecimal digits`;
  throw new UsageError("USAGE_OPTION", `${option} ${text.slice(0, 80)} is not ${wanted}`);
}

/** A difficulty: a number such as 256 or 0.5, or a power of two such as 2^-20. */
export function fromDifficulty(option: string, text: string, least: number, most: number): number {
  const power = /^2\^(-?[0-9]{1,3})$/.exec(text)?.[1];
  const plain = /^[0-9]+(\.[0-9]+)?(e-?[0-9]{1,3})?$/i.test(text) ? Number(text) : Number.NaN;
  const value = power === undefined ? plain : 2 ** Number(power);
  if (value >= least && value <= most) return value;
  throw new UsageError(
    "USAGE_OPTION",
    `${option} ${text} is not a difficulty from 2^-32 to 2^208, such as 256 or 2^-20`,
  );
}
