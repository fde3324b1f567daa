/** Defects of the host in what it makes of a device's answers. */
import type { Mutant } from "../mutant.ts";

const HELLO = "host/device/session/hello.ts";
const HEALTH = "host/device/session/health.ts";
const HASH = "host/device/session/commands/hash.ts";
const KEYED = "host/device/session/commands/keyed.ts";
const DATA = "host/device/session/commands/data.ts";
const ROWS = "host/device/session/rows.ts";
const UPLOAD = "host/device/session/upload.ts";
const STATUS = "host/device/session/work-status.ts";
const DEVICE = "host/device/usb/usb-device.ts";
const DIGEST = "host/device/digest.ts";

const HOST = { where: "host", hint: [] } as const;

export const HOST_DRIVER_MUTANTS: readonly Mutant[] = [
  {
    ...HOST,
    id: "host/last-line-of-a-batch-dropped",
    what: "The last line of blocks that do not fill it is never sent",
    edits: [
      {
        file: HASH,
        from: "const parts = Math.ceil(indices.length / most);",
        to: "const parts = Math.max(1, Math.floor(indices.length / most));",
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/batch/host-shares-lines", "usb/hash/many-at-once"],
  },
  {
    ...HOST,
    id: "host/hashes-itself",
    what: "The host's own digests are passed off as the device's, which is not asked (as the whitepaper's 4.3 does)",
    edits: [
      {
        file: DEVICE,
        from: "return this.#judged(hashBlocks(this.#session, blocks, options, () => this.#options.clock.nowMs()));",
        to: "return this.#judged(options === undefined ? hashBlocks(this.#session, blocks, options, () => 0) : Promise.resolve(blocks.map(sha256)));",
      },
      {
        file: DEVICE,
        from: 'import { DeviceError } from "../errors.ts";',
        to: 'import { sha256 } from "../digest.ts";\nimport { DeviceError } from "../errors.ts";',
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/hash/crosses-the-line"],
  },
  {
    ...HOST,
    id: "host/asks-and-hashes-itself",
    what: "The device is asked, its answers are dropped, and the host's own digests are handed out",
    edits: [
      {
        file: HASH,
        from: "digests[index] = found.subarray(i * SHA256_BYTES, (i + 1) * SHA256_BYTES);",
        to: "digests[index] = found.length > i ? sha256(blocks[index] ?? new Uint8Array()) : found;",
      },
      {
        file: HASH,
        from: 'import { DeviceError } from "../../errors.ts";',
        to: 'import { sha256 } from "../../digest.ts";\nimport { DeviceError } from "../../errors.ts";',
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/hash/tells-a-wrong-one"],
  },
  {
    ...HOST,
    id: "host/mismatch-not-told",
    what: "A digest that differs from the host's own is not told",
    edits: [
      {
        file: DIGEST,
        from: "return theirs !== undefined && Buffer.compare(own, theirs) === 0;",
        to: "return theirs !== undefined && own.length === theirs.length;",
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/hash/tells-a-wrong-one"],
  },
  {
    ...HOST,
    id: "host/health-in-volts",
    what: "The input voltage is taken for mV and handed out in V",
    edits: [
      {
        file: HEALTH,
        from: "/^-?[0-9]{1,9}(\\.[0-9]{1,3})?$/));",
        to: '/^-?[0-9]{1,9}(\\.[0-9]{1,3})?$/)) / (key === "inputMv" ? 1000 : 1);',
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/health/units"],
  },
  {
    ...HOST,
    id: "host/health-words-swapped",
    what: "The temperatures of ASIC and voltage regulator are exchanged",
    edits: [
      {
        file: HEALTH,
        from: "const value = pairs.get(key);",
        to: 'const value = pairs.get(key === "tempC" ? "vrTempC" : key === "vrTempC" ? "tempC" : key);',
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/host/health-as-told"],
  },
  {
    ...HOST,
    id: "host/simulated-not-told",
    what: "A model is passed off as hardware",
    edits: [
      {
        file: HELLO,
        from: 'simulated: whole("simulated", 1, 1, 0) === 1,',
        to: 'simulated: whole("simulated", 1, 1, 0) === 2,',
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/hello/model-says-so"],
  },
  {
    ...HOST,
    id: "host/attest-without-challenge",
    what: "The challenge is left out of what the device is asked to attest",
    edits: [
      { file: KEYED, from: "args: [hex(commitment), hex(challenge)]", to: "args: [hex(commitment), hex(commitment)]" },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/attest/right"],
  },
  {
    ...HOST,
    id: "host/words-not-counted",
    what: "An answer with more words than its command describes is taken",
    edits: [{ file: DATA, from: 'if (words !== "any" && args.length !== words) throw badReply(verb, args);', to: "" }],
    expected: ["replay", "model"],
    hint: ["usb/host/words-too-many"],
  },
  {
    ...HOST,
    id: "host/work-not-verified",
    what: "A nonce is believed that does not meet the target",
    edits: [
      {
        file: STATUS,
        from: "if (!meetsTarget(sha256d(foundHeader(",
        to: 'if (id === "" && !meetsTarget(sha256d(foundHeader(',
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/host/false-proof"],
  },
  {
    ...HOST,
    id: "host/rolled-version-not-checked",
    what: "A find is believed in which other bits of the version changed than were allowed",
    edits: [
      { file: STATUS, from: "if (!withinMask(bits, job.versionMask)) {", to: "if (!withinMask(bits, 0xffffffff)) {" },
    ],
    expected: ["replay", "model"],
    hint: ["usb/host/false-version"],
  },
  {
    ...HOST,
    id: "host/nonce-endianness",
    what: "The nonce that was found is put into the header most significant byte first",
    edits: [
      {
        file: STATUS,
        from: "copy.writeUInt32LE(nonce, HEADER_AT.nonce);",
        to: "copy.writeUInt32BE(nonce, HEADER_AT.nonce);",
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/work/found"],
  },
  {
    ...HOST,
    id: "host/paeth-ties",
    what: "Ties of the Paeth filter are broken the other way",
    edits: [
      { file: ROWS, from: "return toUp <= toUpLeft ? up : upLeft;", to: "return toUp < toUpLeft ? up : upLeft;" },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/image/film-deflated"],
  },
  {
    ...HOST,
    id: "host/lost-rows-not-sent-again",
    what: "Of the rows that the device lacks the first payload is left out",
    edits: [
      {
        file: UPLOAD,
        from: "this.#rows.filter(({ first, count }) => first + count > row);",
        to: "this.#rows.filter(({ first }) => first > row);",
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/host/lacking-rows"],
  },
  {
    ...HOST,
    id: "host/root-of-another-scale",
    what: "Roots are read in the order of the answer, the first for every scale",
    edits: [
      {
        file: UPLOAD,
        from: "const hex = parsePairs(reply.args).get(String(scale));",
        to: "const [hex] = parsePairs(reply.args).values();\n  if (!parsePairs(reply.args).has(String(scale))) return new Uint8Array();",
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/image/film-deflated"],
  },
  {
    ...HOST,
    id: "host/rate-left-high",
    what: "The line is left at its high rate, where the next host does not look for the device",
    edits: [
      { file: DEVICE, from: "if (this.baud === START_BAUD || clock.nowMs()", to: "if (this.baud > 0 || clock.nowMs()" },
    ],
    expected: ["replay", "model"],
    hint: ["usb/baud/host-climbs"],
  },
];
