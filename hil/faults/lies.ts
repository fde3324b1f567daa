/** A device that lies: right checksums and numbers around words that are not true. */

import { encodeFrame, type Frame, parseLine } from "../../host/device/link/frame.ts";
import type { Seeded } from "../../host/device/testing/seeded.ts";

const LINE_FEED = Buffer.from("\n");
const DIGEST = /[0-9a-f]{64}/;
const NONCE = /^nonce=[0-9a-f]{8}$/;

/** A whole line as a frame; undefined where it is none. */
export function frameOf(line: Buffer): Frame | undefined {
  if (line[0] !== 0x7e) return undefined;
  const event = parseLine(line.subarray(0, line.at(-1) === LINE_FEED[0] ? -1 : undefined));
  return event?.kind === "frame" ? event.frame : undefined;
}

/** Another digest, nonce or share in a message that is otherwise as it should be; undefined where it has none. */
export function forge(line: Buffer, random: Seeded): Buffer | undefined {
  if (line[0] === 0x7b) return forgeShare(line, random);
  const frame = frameOf(line);
  return frame === undefined ? undefined : forgeAnswer(frame, random);
}

function forgeAnswer(frame: Frame, random: Seeded): Buffer | undefined {
  const { verb, args, payload } = frame;
  if (payload !== undefined) {
    const copy = Buffer.from(payload);
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return encodeFrame({ ...frame, payload: copy });
  }
  const forged = args.map((word) => (NONCE.test(word) || DIGEST.test(word) ? otherHex(word, random) : word));
  const lies = (verb === "OK" || verb === "WORK") && forged.some((word, index) => word !== args[index]);
  return lies ? encodeFrame({ ...frame, args: forged }) : undefined;
}

/** The nonce of a `mining.submit`; anything else is left alone. */
function forgeShare(line: Buffer, random: Seeded): Buffer | undefined {
  const text = line.toString("latin1");
  if (!text.includes('"mining.submit"')) return undefined;
  const words = [...text.matchAll(/"[0-9a-f]{8}"/g)];
  const last = words.at(-1);
  if (last === undefined) return undefined;
  const { index } = last;
  return Buffer.from(text.slice(0, index) + otherHex(last[0], random) + text.slice(index + last[0].length), "latin1");
}

/** One of the word's last eight hexadecimal digits becomes another. */
function otherHex(word: string, random: Seeded): string {
  const end = word.endsWith('"') ? word.length - 1 : word.length;
  const at = end - 1 - random.below(8);
  const digit = Number.parseInt(word[at] ?? "0", 16);
  const other = (digit + 1 + random.below(15)) % 16;
  return word.slice(0, at) + other.toString(16) + word.slice(at + 1);
}

/** The same answer with another boot's id: as of a device that restarted unheard. */
export function otherBoot(frame: Frame, random: Seeded): Buffer | undefined {
  const [boot, ...words] = frame.args;
  if (boot === undefined || !/^[0-9a-f]{8}$/.test(boot)) return undefined;
  return encodeFrame({ ...frame, args: [otherHex(boot, random), ...words] });
}

export function extraWord(frame: Frame): Buffer | undefined {
  return frame.verb === "OK" ? encodeFrame({ ...frame, args: [...frame.args, "extra"] }) : undefined;
}
