/** Defects of the host on a USB line: framing, exchange, driver. */
import type { Mutant } from "../mutant.ts";

const FRAME = "host/device/link/frame.ts";
const COBS = "host/device/link/cobs.ts";
const EXCHANGE = "host/device/session/exchange.ts";
const HANDSHAKE = "host/device/session/handshake.ts";
const HELLO = "host/device/session/hello.ts";
const HEALTH = "host/device/session/health.ts";
const HASH = "host/device/session/commands/hash.ts";
const KEYED = "host/device/session/commands/keyed.ts";
const DATA = "host/device/session/commands/data.ts";
const REQUEST = "host/device/session/request.ts";
const ROWS = "host/device/session/rows.ts";
const UPLOAD = "host/device/session/upload.ts";
const STATUS = "host/device/session/work-status.ts";
const DEVICE = "host/device/usb/usb-device.ts";
const DIGEST = "host/device/digest.ts";

const HOST = { where: "host", hint: [] } as const;

export const HOST_USB_MUTANTS: readonly Mutant[] = [
  {
    ...HOST,
    id: "host/crc-skipped",
    what: "The host takes lines whose CRC is wrong",
    edits: [{ file: FRAME, from: 'if (crc32(line.subarray(0, tailAt + 1)) !== crc) return discarded("crc");', to: "" }],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/host/checks-the-crc"],
  },
  {
    ...HOST,
    id: "host/crc-bytes-swapped",
    what: "The host writes and reads the CRC with its bytes the other way round",
    edits: [
      {
        file: FRAME,
        from: "line.write(hexOf(crc32(line.subarray(0, at)), CRC_DIGITS), at",
        to: "line.write(hexOf(swapped(crc32(line.subarray(0, at))), CRC_DIGITS), at",
      },
      {
        file: FRAME,
        from: "if (crc32(line.subarray(0, tailAt + 1)) !== crc)",
        to: "if (swapped(crc32(line.subarray(0, tailAt + 1))) !== crc)",
      },
      {
        file: FRAME,
        from: "function hexOf(",
        to: "function swapped(crc: number): number {\n  const bytes = Buffer.alloc(4);\n  bytes.writeUInt32LE(crc);\n  return bytes.readUInt32BE();\n}\n\nfunction hexOf(",
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/hash/known-answers"],
  },
  {
    ...HOST,
    id: "host/payload-zeros",
    what: "A zero is added behind each full group of a payload",
    edits: [
      {
        file: COBS,
        from: "if (code !== FULL_CODE && read < payload.length) out[write++] = 0;",
        to: "if (read < payload.length) out[write++] = 0;",
      },
    ],
    expected: ["verify", "replay", "model"],
    hint: ["usb/batch/host-shares-lines", "usb/image/film-raw", "usb/hash/many-at-once"],
  },
  {
    ...HOST,
    id: "host/sequence-ignored",
    what: "A reply goes to the oldest request, whatever its number",
    edits: [
      {
        file: EXCHANGE,
        from: "const entry = this.#inFlight.get(frame.seq);",
        to: "const [oldest] = this.#inFlight;\n    const entry = oldest?.[1];\n    if (oldest !== undefined) frame = { ...frame, seq: oldest[0] };",
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/host/any-order"],
  },
  {
    ...HOST,
    id: "host/late-reply-matched",
    what: "Numbers are used again after four requests, so that a late reply meets a new request",
    edits: [
      { file: EXCHANGE, from: "const SEQS = 0x10000;", to: "const SEQS = 5;" },
      { file: EXCHANGE, from: " && !this.#lingering.has(seq)", to: "" },
    ],
    expected: ["replay", "model"],
    hint: ["usb/request/host-gives-numbers-once"],
  },
  {
    ...HOST,
    id: "host/repeat-under-a-new-number",
    what: "A request is repeated under another number, and both answers are waited for",
    edits: [
      {
        file: EXCHANGE,
        from: 'out.push({ kind: "send", seq, verb: entry.request.verb, bytes: entry.bytes });',
        to: 'const again = this.#freeSeq() ?? seq;\n    this.#inFlight.delete(seq);\n    this.#seq = (again + 1) % SEQS;\n    const bytes = encodeFrame({ ...entry.request, seq: again });\n    this.#inFlight.set(again, { ...entry, bytes });\n    out.push({ kind: "send", seq: again, verb: entry.request.verb, bytes });',
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/host/lost-answer"],
  },
  {
    ...HOST,
    id: "host/never-repeats",
    what: "A request is sent once and never again",
    edits: [
      { file: REQUEST, from: "{ firstMs: 300, factor: 2, tries: 4 }", to: "{ firstMs: 300, factor: 2, tries: 1 }" },
    ],
    expected: ["replay", "model"],
    hint: ["usb/host/lost-answer"],
  },
  {
    ...HOST,
    id: "host/stale-boot-accepted",
    what: "An answer with another boot id is taken for an answer",
    edits: [
      {
        file: EXCHANGE,
        from: "} else if (this.#boot !== undefined && boot !== this.#boot) {",
        to: "} else if (this.#boot === null) {",
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/host/another-boot"],
  },
  {
    ...HOST,
    id: "host/earlier-hello-accepted",
    what: "The answer to an earlier handshake is taken for this one's",
    edits: [{ file: HANDSHAKE, from: "helloNonce(words) === nonce", to: "helloNonce(words) !== undefined" }],
    expected: ["replay", "model"],
    hint: ["usb/host/earlier-handshake"],
  },
  {
    ...HOST,
    id: "host/credits-ignored",
    what: "More requests are under way than HELLO allows",
    edits: [
      {
        file: EXCHANGE,
        from: "seq === undefined || this.#inFlight.size >= this.#credits.lines)",
        to: "seq === undefined)",
      },
      { file: HASH, from: "width: hello.credits.lines,", to: "width: 4 * hello.credits.lines," },
    ],
    expected: ["replay", "model"],
    hint: ["usb/request/host-keeps-the-window"],
  },
  {
    ...HOST,
    id: "host/credit-bytes-ignored",
    what: "More bytes are under way than HELLO allows",
    edits: [
      {
        file: EXCHANGE,
        from: "if (this.#bytesOut + next.lineBytes > this.#credits.bytes && this.#inFlight.size > 0) return;",
        to: "",
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/request/host-keeps-the-window", "usb/image/film-raw"],
  },
  {
    ...HOST,
    id: "host/deadline-not-enforced",
    what: "A request's deadline is forgotten once it is sent",
    edits: [
      {
        file: EXCHANGE,
        from: "if (request.deadlineAtMs <= nowMs) this.#expire(",
        to: "if (nowMs < 0) this.#expire(",
      },
    ],
    expected: ["replay", "model", "virtual"],
    hint: ["usb/host/deadline"],
  },
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
    expected: ["replay", "model"],
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
    expected: ["replay", "model"],
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
