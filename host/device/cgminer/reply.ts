/**
 * cgminer's answers as they are: NUL at the end, and JSON that stock Antminers break (`}{` without a comma; others
 * leave a comma too many). Repaired outside of strings only.
 */
import { cleanText, isRecord } from "../axeos/fields.ts";
import { CgminerError } from "./errors.ts";

export type Rows = readonly Readonly<Record<string, unknown>>[];

const NUL = "\0";
const SHOWN_CHARS = 40;
const LISTS_MAX = 32;

/**
 * @param text up to and with the NUL, or without
 * @param list name of the list that is asked for, such as `STATS`
 * @returns the objects in that list, at most 32
 * @throws CgminerError CGMINER_REPLY or, if the miner says that it will not, CGMINER_REFUSED
 */
export function parseReply(text: string, list: string): Rows {
  const value = parseRepaired(text);
  const refusal = rows(value, "STATUS").find((row) => row.STATUS === "E" || row.STATUS === "F");
  if (refusal !== undefined) {
    const reason = typeof refusal.Msg === "string" ? cleanText(refusal.Msg) : "it does not say why";
    throw new CgminerError("CGMINER_REFUSED", `The miner refused: ${reason}`);
  }
  const found = rows(value, list);
  if (found.length > 0) return found;
  throw new CgminerError("CGMINER_REPLY", `The miner's answer has no ${list}`);
}

function parseRepaired(text: string): unknown {
  const end = text.indexOf(NUL);
  const whole = end < 0 ? text : text.slice(0, end);
  try {
    return JSON.parse(repairJson(whole));
  } catch (error) {
    const shown = cleanText(whole).slice(0, SHOWN_CHARS);
    throw new CgminerError("CGMINER_REPLY", `The miner answered with no JSON: "${shown}"`, { cause: error });
  }
}

function rows(value: unknown, list: string): Rows {
  const found = isRecord(value) && Object.hasOwn(value, list) ? value[list] : undefined;
  return Array.isArray(found) ? found.slice(0, LISTS_MAX).filter(isRecord) : [];
}

/** Sets the missing commas, takes away those too many, and control characters out of strings. Linear in its input. */
export function repairJson(text: string): string {
  const pieces: string[] = [];
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const start = quote < 0 ? text.length : quote;
    const end = endOfString(text, start);
    pieces.push(repairBetween(text.slice(at, start)), text.slice(start, end).replace(/\p{Cc}/gu, " "));
    at = end;
  }
  return pieces.join("");
}

/** The index after the closing quote of the string that opens at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function repairBetween(piece: string): string {
  return piece
    .replace(/\}(\s*)\{/g, "},$1{")
    .replace(/([[{])\s*,/g, "$1")
    .replace(/,\s*([\]}])/g, "$1");
}
