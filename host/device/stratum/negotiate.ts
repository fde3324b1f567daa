/** `mining.configure` (BIP 310): which bits of the version a miner may roll. */
import { uint32OfHex } from "../../work/bytes.ts";
import { VERSION_MASK } from "../../work/header.ts";

const MAX_EXTENSIONS = 8;
const MAX_NAME_CHARS = 64;

export interface Configured {
  /** The answer, by extension. */
  readonly result: Readonly<Record<string, boolean | string>>;
  /** Bits that this miner may roll from now on; undefined where it did not ask or did not get them. */
  readonly versionMask?: number;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count += 1;
  return count;
}

/** The bits asked for that may be rolled (BIP 320); null where they are unreadable or fewer than the miner needs. */
function grantedMask(options: Readonly<Record<string, unknown>>): number | null {
  const { "version-rolling.mask": mask = "ffffffff", "version-rolling.min-bit-count": least = 0 } = options;
  const asked = typeof mask === "string" ? uint32OfHex(mask.padStart(8, "0")) : null;
  if (asked === null) return null;
  const granted = (asked & VERSION_MASK) >>> 0;
  return granted !== 0 && bitCount(granted) >= Number(least) ? granted : null;
}

/**
 * Every extension asked for is answered: some miners never log in otherwise.
 *
 * @param params `[extensions, options]`, untrusted
 */
export function configure(params: readonly unknown[]): Configured {
  const [names, given] = params;
  const extensions = Array.isArray(names) ? names.slice(0, MAX_EXTENSIONS) : [];
  const options = typeof given === "object" && given !== null ? { ...given } : {};
  const result = new Map<string, boolean | string>();
  let versionMask: number | undefined;
  for (const name of extensions) {
    if (typeof name !== "string" || name.length > MAX_NAME_CHARS) continue;
    const granted = name === "version-rolling" ? grantedMask(options) : null;
    result.set(name, granted !== null || name === "subscribe-extranonce");
    if (granted === null) continue;
    versionMask = granted;
    result.set("version-rolling.mask", granted.toString(16).padStart(8, "0"));
  }
  return { result: Object.fromEntries(result), ...(versionMask === undefined ? {} : { versionMask }) };
}
