/** Defects of the host on a USB line: framing, exchange, handshake. */
import type { Mutant } from "../mutant.ts";

const FRAME = "host/device/link/frame.ts";
const COBS = "host/device/link/cobs.ts";
const EXCHANGE = "host/device/session/exchange.ts";
const HELLO = "host/device/session/hello.ts";
const REDACT = "host/device/link/redact.ts";
const HANDSHAKE = "host/device/session/handshake.ts";
const HASH = "host/device/session/commands/hash.ts";
const REQUEST = "host/device/session/request.ts";

const HOST = { where: "host", hint: [] } as const;

export const HOST_LINE_MUTANTS: readonly Mutant[] = [
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
    id: "host/hash-not-needed",
    what: "A device that does not announce `hash` is used",
    edits: [
      {
        file: HELLO,
        from: 'if (!caps.has("hash")) throw new DeviceError("DEVICE_PROTOCOL", "HELLO announces no hash");',
        to: "",
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/host/hello-without-hash"],
  },
  {
    ...HOST,
    id: "host/hello-ranges-ignored",
    what: "HELLO may say any number for any limit",
    edits: [
      {
        file: HELLO,
        from: "if (number >= min && number <= max) return",
        to: "if (number >= min || number < min) return",
      },
    ],
    expected: ["replay", "model"],
    hint: ["usb/host/hello-out-of-range"],
  },
  {
    ...HOST,
    id: "host/key-in-clear",
    what: "What KEY answers goes into logs, recordings and reports",
    edits: [
      {
        file: REDACT,
        from: 'if (verb === "KEY") this.#asked.add(seq);',
        to: 'if (verb === "KEY" && seq === 0) this.#asked.add(seq);',
      },
    ],
    expected: ["model"],
    hint: ["usb/key/shown-nowhere"],
  },
];
