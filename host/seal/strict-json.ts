/** JSON with one spelling only: text from anyone is bounded, of the schema's shape, and canonical to the byte. */
import type { z } from "zod";
import { type Canonical, canonicalBytes } from "./canonical.ts";
import { firstIssue } from "./fields.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LINE_FEED = 0x0a;

/** One line feed may end a file; nothing else may stand around the value. */
function withoutLineFeed(bytes: Buffer): Buffer {
  return bytes.at(-1) === LINE_FEED ? bytes.subarray(0, -1) : bytes;
}

/**
 * @param maxBytes more are refused unread
 * @throws Error saying what is wrong; the caller puts its own code to it
 */
export function parseStrict<T extends Canonical>(text: string | Uint8Array, maxBytes: number, schema: z.ZodType<T>): T {
  const given =
    typeof text === "string" ? Buffer.from(text, "utf8") : Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  if (given.length > maxBytes) throw new RangeError(`it has ${given.length} bytes, more than ${maxBytes}`);
  const bytes = withoutLineFeed(given);
  const parsed = schema.safeParse(JSON.parse(utf8.decode(bytes)));
  if (!parsed.success) throw new TypeError(firstIssue(parsed.error));
  if (!canonicalBytes(parsed.data).equals(bytes)) throw new TypeError("it is not in canonical form (RFC 8785)");
  return parsed.data;
}
