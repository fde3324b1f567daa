/** An answer as it may be kept and shown: bounded, and without what opens a WiFi or a pool account. */
import { isRecord } from "./fields.ts";

/** Longer than the answer of any known firmware: eight pools without their certificates make about 8 KiB. */
export const RAW_CHARS_MAX = 32_768;
const DEPTH_MAX = 8;
const ITEMS_MAX = 512;
const SECRET = /pass|secret|token|cert|key/i;
const HIDDEN = "(hidden)";

/** JSON without secrets; null if it is longer than 32 KiB. What lies deeper than 8 levels is left out. */
export function redactedJson(value: unknown): string | null {
  const text = JSON.stringify(redacted(value, DEPTH_MAX)) ?? "null";
  return text.length > RAW_CHARS_MAX ? null : text;
}

function redacted(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth === 0) return "(deeper)";
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => redacted(item, depth - 1));
  if (!isRecord(value)) return null;
  const entries = Object.entries(value).slice(0, ITEMS_MAX);
  return Object.fromEntries(entries.map(([key, item]) => [key, SECRET.test(key) ? HIDDEN : redacted(item, depth - 1)]));
}
