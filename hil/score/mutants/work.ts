/** Defects of the proofs of work and trees that both transports share. */
import type { Mutant } from "../mutant.ts";

const TARGET = "host/work/target.ts";
const MERKLE = "host/work/merkle.ts";
const PREPARED = "host/work/prepared-job.ts";

const HOST = { where: "host", hint: [] } as const;

export const WORK_MUTANTS: readonly Mutant[] = [
  {
    ...HOST,
    id: "work/version-endianness",
    what: "The version of a share's header is written most significant byte first",
    edits: [
      {
        file: PREPARED,
        from: "this.#header.writeUInt32LE(rollVersion(",
        to: "this.#header.writeUInt32BE(rollVersion(",
      },
    ],
    expected: ["verify", "replay", "model"],
    hint: ["stratum/recorded/lv06-shares", "stratum/share/first-proves"],
  },
  {
    ...HOST,
    id: "work/nonce-endianness",
    what: "The nonce of a share's header is written most significant byte first",
    edits: [
      {
        file: PREPARED,
        from: "this.#header.writeUInt32LE(share.nonce, HEADER_AT.nonce);",
        to: "this.#header.writeUInt32BE(share.nonce, HEADER_AT.nonce);",
      },
    ],
    expected: ["verify", "replay", "model"],
    hint: ["stratum/recorded/lv06-shares", "stratum/share/first-proves"],
  },
  {
    ...HOST,
    id: "work/target-reversed",
    what: "Hashes above the target meet it, and those below do not",
    edits: [
      {
        file: TARGET,
        from: "if (difference !== 0) return difference < 0;",
        to: "if (difference !== 0) return difference > 0;",
      },
    ],
    expected: ["verify", "replay", "model", "virtual"],
    hint: ["stratum/recorded/lv06-shares", "usb/work/found"],
  },
  {
    ...HOST,
    id: "work/target-read-backwards",
    what: "Hash and target are compared from their least significant bytes",
    edits: [
      {
        file: TARGET,
        from: "const difference = (hash[SHA256_BYTES - 1 - i] ?? 0) - (target[i] ?? 0);",
        to: "const difference = (hash[i] ?? 0) - (target[SHA256_BYTES - 1 - i] ?? 0);",
      },
    ],
    expected: ["verify", "replay", "model"],
    hint: ["stratum/recorded/lv06-shares", "usb/work/found"],
  },
  {
    ...HOST,
    id: "work/leaf-tag-missing",
    what: "The host's tree hashes leaves without their tag",
    edits: [
      {
        file: MERKLE,
        from: "sha256Into(leaf, level, i * SHA256_BYTES);",
        to: "sha256Into(leaf.subarray(1), level, i * SHA256_BYTES);",
      },
    ],
    expected: ["verify", "replay", "model", "virtual"],
    hint: ["usb/batch/root"],
  },
  {
    ...HOST,
    id: "work/node-tag-of-leaves",
    what: "The host's tree hashes nodes with the tag of leaves",
    edits: [{ file: MERKLE, from: "const NODE_PREFIX = 0x01;", to: "const NODE_PREFIX = 0x00;" }],
    expected: ["verify", "replay", "model", "virtual"],
    hint: ["usb/batch/root"],
  },
  {
    ...HOST,
    id: "work/odd-leaf-duplicated",
    what: "The host's tree pairs an odd last node with itself, as Bitcoin's does",
    edits: [
      {
        file: MERKLE,
        from: "const pairs = count >> 1;",
        to: "const odd = count % 2 === 1 ? Buffer.concat([Buffer.of(NODE_PREFIX), level.subarray((count - 1) * SHA256_BYTES, count * SHA256_BYTES), level.subarray((count - 1) * SHA256_BYTES, count * SHA256_BYTES)]) : undefined;\n    const pairs = count >> 1;",
      },
      {
        file: MERKLE,
        from: "if (count % 2 === 1) level.copy(level, pairs * SHA256_BYTES, (count - 1) * SHA256_BYTES, count * SHA256_BYTES);",
        to: "if (odd !== undefined) sha256Into(odd, level, pairs * SHA256_BYTES);",
      },
    ],
    expected: ["verify", "replay", "model", "virtual"],
    hint: ["usb/batch/root"],
  },
];
