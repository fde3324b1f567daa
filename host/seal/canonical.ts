/**
 * Canonical JSON (RFC 8785) for what is signed and hashed here: text, whole numbers, true, false, null, lists and
 * objects. Fractions are carried as text, so that no language has to print a double as ECMAScript does.
 */
import { SealError } from "./error.ts";

export type Canonical =
  | string
  | number
  | boolean
  | null
  | readonly Canonical[]
  | { readonly [name: string]: Canonical };

function ofNumber(value: number): string {
  if (!Number.isSafeInteger(value)) throw new SealError("SEAL_CANONICAL", `${value} is no whole number below 2^53`);
  return JSON.stringify(value);
}

function ofText(value: string): string {
  if (!value.isWellFormed())
    throw new SealError("SEAL_CANONICAL", `${JSON.stringify(value)} has half a surrogate pair`);
  return JSON.stringify(value);
}

/** Names in the order of their UTF-16 code units (RFC 8785 §3.2.3), which is that of `sort`. */
function ofObject(value: { readonly [name: string]: Canonical }): string {
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${ofText(name)}:${canonicalText(value[name])}`).join(",")}}`;
}

/**
 * The only spelling. Nesting is as deep as the value's, so untrusted values are checked for their shape first.
 *
 * @throws SealError SEAL_CANONICAL for what has none here
 */
export function canonicalText(value: Canonical | undefined): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") return ofNumber(value);
  if (typeof value === "string") return ofText(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value === "object") return ofObject(value as { readonly [name: string]: Canonical });
  throw new SealError("SEAL_CANONICAL", `a ${typeof value} has no canonical form`);
}

/** `canonicalText` in UTF-8: what is hashed, signed and written to files. */
export function canonicalBytes(value: Canonical): Buffer {
  return Buffer.from(canonicalText(value), "utf8");
}
