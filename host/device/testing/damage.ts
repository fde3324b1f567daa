/** What a serial line does to bytes, seeded: each kind takes whole lines and gives what arrives instead. */
import type { Seeded } from "./seeded.ts";

const LINE_FEED = 0x0a;
const TEXTS = [
  "I (4711) wifi: beacon\n",
  "AT\r\n",
  "\u001b[0;31mE (1) x\u001b[0m\n",
  "~",
  "~0001 OK 1a2b3c4d",
  "\n\n",
  "\u0000",
];

type Damage = (bytes: Buffer, random: Seeded, earlier: readonly Buffer[]) => Buffer;

const at = (bytes: Buffer, random: Seeded) => random.below(Math.max(1, bytes.length));
const cutOut = (bytes: Buffer, from: number, to: number) =>
  Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
const putIn = (bytes: Buffer, where: number, what: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, where), what, bytes.subarray(where)]);

function change(bytes: Buffer, edit: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  edit(copy);
  return copy;
}

function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, start);
    const next = end < 0 ? bytes.length : end + 1;
    lines.push(bytes.subarray(start, next));
    start = next;
  }
  return lines;
}

function shuffled<T>(items: readonly T[], random: Seeded): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(random.below(left.length), 1));
}

export const DAMAGES = {
  none: (bytes) => bytes,
  lose: () => Buffer.alloc(0),
  flip: (bytes, random) =>
    change(bytes, (copy) => {
      for (let bits = 1 + random.below(3); bits > 0; bits--) {
        const i = at(copy, random);
        copy[i] = (copy[i] ?? 0) ^ (1 << random.below(8));
      }
    }),
  drop: (bytes, random) => {
    const from = at(bytes, random);
    return cutOut(bytes, from, from + 1 + random.below(4));
  },
  insert: (bytes, random) => putIn(bytes, at(bytes, random), random.bytes(1 + random.below(4))),
  swap: (bytes, random) =>
    change(bytes, (copy) => {
      const i = at(copy, random);
      const j = random.next() < 0.5 ? Math.min(i + 1, copy.length - 1) : at(copy, random);
      const kept = copy[i] ?? 0;
      copy[i] = copy[j] ?? 0;
      copy[j] = kept;
    }),
  overwrite: (bytes, random) =>
    change(bytes, (copy) => {
      const noise = random.bytes(1 + random.below(16)).subarray(0, copy.length);
      copy.set(noise, random.below(copy.length - noise.length + 1));
    }),
  truncate: (bytes, random) => {
    const kept = bytes.subarray(0, at(bytes, random));
    return random.next() < 0.5 ? kept : Buffer.concat([kept, Buffer.of(LINE_FEED)]);
  },
  behead: (bytes, random) => bytes.subarray(at(bytes, random)),
  merge: (bytes, random) => {
    const lines = linesOf(bytes);
    const end = lines.slice(0, 1 + random.below(lines.length)).reduce((sum, line) => sum + line.length, 0);
    return cutOut(bytes, end - 1, end);
  },
  duplicate: (bytes, random) => {
    const lines = linesOf(bytes);
    const line = random.pick(lines);
    return Buffer.concat(lines.flatMap((each) => (each === line ? [each, each] : [each])));
  },
  reorder: (bytes, random) => Buffer.concat(shuffled(linesOf(bytes), random)),
  log: (bytes, random) => putIn(bytes, at(bytes, random), Buffer.from(random.pick(TEXTS), "latin1")),
  splice: (bytes, random, earlier) => {
    const other = earlier.length === 0 ? bytes : random.pick(earlier);
    return Buffer.concat([bytes.subarray(0, at(bytes, random)), other.subarray(at(other, random))]);
  },
  replay: (bytes, random, earlier) => (earlier.length === 0 ? bytes : Buffer.concat([random.pick(earlier), bytes])),
} as const satisfies Record<string, Damage>;

export type DamageKind = keyof typeof DAMAGES;
export const DAMAGE_KINDS = Object.keys(DAMAGES) as readonly DamageKind[];

/** What arrives of `bytes`, whole lines; `earlier` are lines of the same direction. */
export function damage(kind: DamageKind, bytes: Buffer, random: Seeded, earlier: readonly Buffer[]): Buffer {
  const how: Damage = DAMAGES[kind];
  return how(bytes, random, earlier);
}
