/** The `key=value` words of replies, in any order. */

/** The first value of each key; words of another shape are left out. */
export function parsePairs(args: readonly string[]): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const word of args) {
    const at = word.indexOf("=");
    const key = word.slice(0, at);
    if (at > 0 && !pairs.has(key)) pairs.set(key, word.slice(at + 1));
  }
  return pairs;
}

/** The number that a decimal of at most 9 digits, without sign or leading zeros, stands for; NaN for any other text. */
export function wholeNumber(text: string): number {
  return /^(0|[1-9][0-9]{0,8})$/.test(text) ? Number(text) : Number.NaN;
}
