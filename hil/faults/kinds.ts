/** Every way in which a line can go wrong, and what each takes. */

/** From the host's side: `write` is what it sends, `read` what it hears. */
export const DIRECTIONS = ["write", "read"] as const;
export type Direction = (typeof DIRECTIONS)[number];

export const OPTIONS = ["ms", "jitterMs", "baud", "lineBaud", "at", "bytes"] as const;
export type Option = (typeof OPTIONS)[number];

interface KindOf {
  readonly does: string;
  readonly in: readonly Direction[];
  readonly takes?: readonly Option[];
  /** Of these, those without which it means nothing. */
  readonly needs?: readonly Option[];
  /** Works on chunks as they come, so that lines need not be put together first. */
  readonly onChunks?: boolean;
}

const BOTH = DIRECTIONS;
const READ = ["read"] as const;
const WRITE = ["write"] as const;

export const KINDS = {
  // What arrives is not what was sent.
  flip: { does: "flips one to three bits", in: BOTH },
  drop: { does: "loses one to four bytes", in: BOTH },
  insert: { does: "puts one to four bytes in", in: BOTH },
  swap: { does: "exchanges two bytes", in: BOTH },
  overwrite: { does: "replaces up to 16 bytes by noise", in: BOTH },
  truncate: { does: "cuts the line's end off", in: BOTH },
  behead: { does: "cuts the line's beginning off", in: BOTH },
  merge: { does: "loses the line feed, so that two lines are one", in: BOTH },
  splice: { does: "goes on with the end of an earlier line", in: BOTH },
  log: { does: "log, colours or half a frame within the line", in: BOTH },
  garble: { does: "the two ends are set to different rates", in: BOTH, takes: ["baud", "lineBaud"], onChunks: true },
  // Whole lines.
  lose: { does: "loses the line", in: BOTH },
  duplicate: { does: "the line comes twice", in: BOTH },
  replay: { does: "an earlier line comes again before it", in: BOTH },
  reorder: { does: "the next line overtakes it", in: BOTH, takes: ["ms"] },
  at: { does: "a modem manager's probing before it", in: BOTH },
  banner: { does: "an ESP32-S3's boot text before it, without a restart", in: READ },
  // Chunks and time.
  split: {
    does: "in two chunks, cut at every offset by turns; or `at` one; or in chunks of `bytes`",
    in: BOTH,
    takes: ["at", "bytes", "ms"],
    onChunks: true,
  },
  glue: { does: "waits for the next chunk and comes with it", in: BOTH, takes: ["ms"], onChunks: true },
  latency: { does: "comes later", in: BOTH, takes: ["ms", "jitterMs"], needs: ["ms"], onChunks: true },
  bandwidth: {
    does: "comes no faster than a line of this rate",
    in: BOTH,
    takes: ["baud"],
    needs: ["baud"],
    onChunks: true,
  },
  stall: {
    does: "nothing moves for a while, then everything does",
    in: BOTH,
    takes: ["ms"],
    needs: ["ms"],
    onChunks: true,
  },
  blackhole: { does: "all is lost, for `ms` or for good", in: BOTH, takes: ["ms"], onChunks: true },
  "half-open": { does: "nothing is heard any more, while writing goes on", in: READ, onChunks: true },
  // The connection and the device.
  eio: { does: "a write fails, and the connection does not end", in: WRITE, onChunks: true },
  hang: { does: "a write never comes back", in: WRITE, onChunks: true },
  unplug: { does: "the connection ends; the next one has another name", in: BOTH, onChunks: true },
  restart: { does: "the device loses its power for a moment", in: BOTH },
  crash: { does: "the device's firmware crashes", in: BOTH },
  // A device that lies: right checksums around wrong words.
  forge: { does: "another digest or nonce, with a right checksum", in: READ },
  "swap-answers": { does: "exchanges two answers to one command", in: READ, takes: ["ms"] },
  "stale-answer": { does: "the command's earlier answer under this number", in: READ },
  "other-boot": { does: "answers under another boot id", in: READ },
  "extra-word": { does: "a word too many", in: READ },
} as const satisfies Record<string, KindOf>;

export type FaultKind = keyof typeof KINDS;
export const FAULT_KINDS = Object.keys(KINDS) as readonly FaultKind[];

/** Lies: what a right checksum does not protect from. */
export const LIES = [
  "forge",
  "swap-answers",
  "stale-answer",
  "other-boot",
  "extra-word",
] as const satisfies readonly FaultKind[];

export function kindOf(kind: FaultKind): KindOf {
  return KINDS[kind];
}
