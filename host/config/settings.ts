/** What the configuration's sources hand to `load.ts`: values that passed their key's schema, and what is wrong. */
import type { Key } from "./keys.ts";

/** Where a value came from: `default`, `file:line`, `env NAME`, `env NAME_FILE` or `credential`. */
export type Origin = string;

export interface Setting {
  readonly value: unknown;
  readonly origin: Origin;
}

export interface Settings {
  /** By the key's dotted name. */
  readonly values: ReadonlyMap<string, Setting>;
  /** One line each: where, which key, what is wrong, what is allowed. */
  readonly problems: readonly string[];
}

/** A value as it may stand in a message: short, and without a password that was put into a URL. */
function shown(key: Key, value: unknown): string {
  if (key.secret) return "this value";
  if (value === null) return "nothing";
  if (typeof value === "object" && !Array.isArray(value)) return "a section, or a list of more than plain values,";
  const text = JSON.stringify(value).replace(/\/\/.*@/, "//…@");
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** undefined when the value is legal; else what is wrong and what is allowed. */
export function complaint(key: Key, value: unknown): string | undefined {
  if (key.schema.safeParse(value).success) return undefined;
  const quote = typeof value === "number" && key.type === "text" ? " (put quotes around it to make it text)" : "";
  return `${shown(key, value)} is not allowed; allowed: ${key.allowed}${quote}`;
}
