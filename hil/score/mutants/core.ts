/** Defects of the device's core, in C. */
import type { Mutant } from "../mutant.ts";

const CORE = "firmware-spec/core/core.c";
const FRAME = "firmware-spec/core/frame.c";
const REQUEST = "firmware-spec/core/request.c";
const HASH = "firmware-spec/core/hash.c";
const HELLO = "firmware-spec/core/hello.c";
const KEYS = "firmware-spec/core/keys.c";
const MERKLE = "firmware-spec/core/merkle.c";
const RATE = "firmware-spec/core/rate.c";
const WORK = "firmware-spec/core/work.c";
const IMAGE = "firmware-spec/core/image.c";
const IMAGES = "firmware-spec/core/images.c";
const AHEAD = "firmware-spec/core/ahead.c";
const BOARD = "firmware-spec/core/board.c";

const IN_CORE = { where: "core", hint: [], expected: ["model"] } as const;

export const CORE_MUTANTS: readonly Mutant[] = [
  {
    ...IN_CORE,
    id: "core/crc-skipped",
    what: "The device executes lines whose CRC is wrong",
    edits: [{ file: FRAME, from: "if (lv06_crc32(line, length - 8u) != crc) return LV06_BAD_CRC;", to: "(void)crc;" }],
    expected: ["model", "virtual"],
    hint: ["usb/line/bad-crc"],
  },
  {
    ...IN_CORE,
    id: "core/crc-bytes-swapped",
    what: "The device writes its CRC with the bytes the other way round",
    edits: [
      {
        file: FRAME,
        from: "lv06_put_hex(text, lv06_crc32(text->bytes, text->length), 8);",
        to: "uint32_t crc = lv06_crc32(text->bytes, text->length);\n  lv06_put_hex(text, crc << 24 | (crc & 0xff00u) << 8 | (crc >> 8 & 0xff00u) | crc >> 24, 8);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/hash/known-answers"],
  },
  {
    ...IN_CORE,
    id: "core/sequence-ignored",
    what: "Replies bear numbers that the device counts itself",
    edits: [
      {
        file: REQUEST,
        from: "lv06_frame_begin(&text, seq);",
        to: "static uint16_t count;\n  lv06_frame_begin(&text, seq == 0 ? 0 : ++count);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/request/number-comes-back"],
  },
  {
    ...IN_CORE,
    id: "core/refusals-unnumbered",
    what: "Refusals bear the number 0000",
    edits: [
      {
        file: REQUEST,
        from: 'r->text = lv06_reply_begin(r->core, r->frame.seq, "ERR");',
        to: 'r->text = lv06_reply_begin(r->core, 0, "ERR");',
      },
    ],
    hint: ["usb/hash/no-hex"],
  },
  {
    ...IN_CORE,
    id: "core/number-zero-executed",
    what: "A request numbered 0000 is executed",
    edits: [
      {
        file: CORE,
        from: 'if (r->frame.seq == UNSOLICITED) {\n    reject(r->core, "SEQ");',
        to: 'if (r->core == NULL) {\n    reject(r->core, "SEQ");',
      },
    ],
    hint: ["usb/request/number-zero"],
  },
  {
    ...IN_CORE,
    id: "core/echoes-answered",
    what: "The device answers its own words when they come back",
    edits: [
      { file: CORE, from: "if (is_echo(&r->frame)) return;", to: "if (is_echo(&r->frame) && r->core == NULL) return;" },
    ],
    hint: ["usb/request/echoes"],
  },
  {
    ...IN_CORE,
    id: "core/last-line-of-a-window-dropped",
    what: "The end of the last line is lost where much arrives at once",
    edits: [
      {
        file: CORE,
        from: "for (size_t i = 0; i < length && !is_deaf(core); i++) take_byte",
        to: "for (size_t i = 0; i + (length > 1024u) < length && !is_deaf(core); i++) take_byte",
      },
    ],
    hint: ["usb/request/whole-window"],
  },
  {
    ...IN_CORE,
    id: "core/long-line-cut",
    what: "A line that is too long is read as if it ended where the memory did",
    edits: [
      {
        file: CORE,
        from: "core->overlong = is_overlong(core);",
        to: "core->overlong = is_overlong(core) && core->line[0] != '~';",
      },
    ],
    hint: ["usb/line/hidden-frame"],
  },
  {
    ...IN_CORE,
    id: "core/same-boot-always",
    what: "Every start has the same boot id",
    edits: [
      {
        file: CORE,
        from: "core->boot = hal->random(hal->context);",
        to: "core->boot = hal->random(hal->context) & 0u;",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/boot/other-id-every-time"],
  },
  {
    ...IN_CORE,
    id: "core/image-kept-over-a-boot",
    what: "After a restart rows of the image before still count as arrived",
    edits: [
      {
        file: CORE,
        from: "memset(core, 0, sizeof *core);\n  core->hal = hal;",
        to: "lv06_image image = core->image;\n  memset(core, 0, sizeof *core);\n  core->image = image;\n  core->hal = hal;",
      },
    ],
    hint: ["usb/boot/before-hello"],
  },
  {
    ...IN_CORE,
    id: "core/search-kept-over-a-boot",
    what: "After a brown-out the search of before is still known",
    edits: [
      {
        file: CORE,
        from: "memset(core, 0, sizeof *core);\n  core->hal = hal;",
        to: "lv06_search search = core->search;\n  memset(core, 0, sizeof *core);\n  core->search = search;\n  core->hal = hal;",
      },
    ],
    hint: ["usb/boot/search-is-gone"],
  },
  {
    ...IN_CORE,
    id: "core/earlier-nonce",
    what: "HELLO repeats the nonce of the first handshake for ever",
    edits: [
      {
        file: HELLO,
        from: "lv06_put_hex(text, nonce, 8);",
        to: "static uint32_t first;\n  if (first == 0) first = nonce;\n  lv06_put_hex(text, first, 8);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/hello/nonce", "usb/connect/ten-times"],
  },
  {
    ...IN_CORE,
    id: "core/model-does-not-say-so",
    what: "The model leaves out that it is simulated",
    edits: [{ file: HELLO, from: 'if (hal->simulated) lv06_put_pair(&r->text, "simulated", "1");', to: "" }],
    hint: ["usb/hello/model-says-so"],
  },
  {
    ...IN_CORE,
    id: "core/log-not-silenced",
    what: "The device's log goes on over a handshake",
    edits: [
      { file: HELLO, from: "if (core->hal->log_level != NULL) core->hal->log_level(core->hal->context, 0);", to: "" },
    ],
    hint: ["usb/hello/log-falls-silent"],
  },
  {
    ...IN_CORE,
    id: "core/narrow-host-ignored",
    what: "Lines are longer than the host said that it reads",
    edits: [
      {
        file: HELLO,
        from: "r->core->reply_max = max_line < LV06_REPLY_MAX ? max_line : LV06_REPLY_MAX;",
        to: "r->core->reply_max = LV06_REPLY_MAX;",
      },
    ],
    hint: ["usb/hello/narrow-host"],
  },
  {
    ...IN_CORE,
    id: "core/digest-reversed",
    what: "Digests of HASH have their bytes the other way round",
    edits: [
      {
        file: HASH,
        from: "    lv06_put_digest(&r->text, digest);\n  }\n}\n\n#if !LV06_MINIMAL",
        to: "    uint8_t other[LV06_DIGEST_SIZE];\n    for (size_t i = 0; i < sizeof other; i++) other[i] = digest[sizeof other - 1u - i];\n    lv06_put_digest(&r->text, other);\n  }\n}\n\n#if !LV06_MINIMAL",
      },
    ],
    expected: ["model"],
    hint: ["usb/hash/known-answers"],
  },
  {
    ...IN_CORE,
    id: "core/last-digest-of-a-batch-again",
    what: "BATCH gives the digest of the block before for its last block",
    edits: [
      {
        file: REQUEST,
        from: "if (!source(r, i, digest)) {",
        to: "if ((i == 0 || i + 1u < count) && !source(r, i, digest)) {",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/batch/digests"],
  },
  {
    ...IN_CORE,
    id: "core/long-block-hashed",
    what: "A block longer than maxBlock is hashed",
    edits: [{ file: HASH, from: "block.length / 2u > LV06_BLOCK_MAX", to: "block.length / 2u > 2u * LV06_BLOCK_MAX" }],
    hint: ["usb/hash/too-long"],
  },
  {
    ...IN_CORE,
    id: "core/leaf-tag-missing",
    what: "The device's tree hashes leaves without their tag",
    edits: [
      {
        file: MERKLE,
        from: "return sha256(context, message, sizeof message, hash);",
        to: "return sha256(context, message + 1, sizeof message - 1u, hash);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/batch/root"],
  },
  {
    ...IN_CORE,
    id: "core/odd-leaf-duplicated",
    what: "The device's tree pairs an odd last leaf with itself, as Bitcoin's does",
    edits: [
      {
        file: MERKLE,
        from: "if (tree->leaves == 0) return false;",
        to: "if (tree->leaves == 0) return false;\n  if (tree->leaves > 1u && (tree->leaves & 1u) != 0) {\n    uint8_t *odd = tree->nodes[depth(tree->leaves) - 1u], copy[LV06_DIGEST_SIZE];\n    memcpy(copy, odd, sizeof copy);\n    if (!join(sha256, context, odd, copy)) return fail(tree);\n  }",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/batch/root"],
  },
  {
    ...IN_CORE,
    id: "core/challenge-left-out",
    what: "ATTEST's MAC does not hang on the challenge",
    edits: [
      {
        file: KEYS,
        from: 'put_mac(r, "lv06/attest/1", (lv06_span){data, sizeof data}',
        to: 'put_mac(r, "lv06/attest/1", (lv06_span){data, LV06_DIGEST_SIZE}',
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/attest/fresh"],
  },
  {
    ...IN_CORE,
    id: "core/boot-left-out-of-mac",
    what: "ATTEST's MAC is the same after a restart",
    edits: [
      {
        file: KEYS,
        from: "lv06_boot_bytes(r->core, boot);\n    put_mac",
        to: "memset(boot, 0, sizeof boot);\n    put_mac",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/attest/this-boot"],
  },
  {
    ...IN_CORE,
    id: "core/key-not-bound",
    what: "KEY gives one key for every context",
    edits: [
      {
        file: KEYS,
        from: 'put_mac(r, "lv06/key/1", (lv06_span){data, sizeof data}',
        to: 'put_mac(r, "lv06/key/1", (lv06_span){data, 0}',
      },
    ],
    hint: ["usb/key/same-over-a-restart"],
  },
  {
    ...IN_CORE,
    id: "core/keys-and-macs-alike",
    what: "KEY derives under the tag of another command",
    edits: [{ file: KEYS, from: '"lv06/key/1"', to: '"lv06/attest/1"' }],
    hint: ["usb/key/right"],
  },
  {
    ...IN_CORE,
    id: "core/rate-not-given-up",
    what: "A rate that no request confirms is kept",
    edits: [
      {
        file: RATE,
        from: "if (rate->trying && left(time, rate->switched_ms, CONFIRM_MS) == 0) {",
        to: "if (rate->trying && left(time, rate->switched_ms, 60u * CONFIRM_MS) == 0) {",
      },
    ],
    expected: ["model"],
    hint: ["usb/baud/unconfirmed"],
  },
  {
    ...IN_CORE,
    id: "core/silence-ignored",
    what: "A device that hears nothing at a high rate stays there, where the next host does not look for it",
    edits: [
      {
        file: RATE,
        from: "} else if (rate->now != LV06_START_RATE && left(time, rate->heard_ms, SILENCE_MS) == 0) {",
        to: "} else if (rate->now == 0 && left(time, rate->heard_ms, SILENCE_MS) == 0) {",
      },
    ],
    expected: ["model"],
    hint: ["usb/baud/silence"],
  },
  {
    ...IN_CORE,
    id: "core/work-not-verified",
    what: "Any nonce that the ASIC reports is told as found",
    edits: [{ file: WORK, from: "if (hashed && meets(digest, s->job.target, 0)) {", to: "if (hashed) {" }],
    hint: ["usb/work/between-powers"],
  },
  {
    ...IN_CORE,
    id: "core/found-nonce-endianness",
    what: "The nonce is told least significant byte first",
    edits: [
      {
        file: WORK,
        from: "lv06_put_hex(text, s->nonce.nonce, 8);",
        to: "uint32_t n = s->nonce.nonce;\n  lv06_put_hex(text, n << 24 | (n & 0xff00u) << 8 | (n >> 8 & 0xff00u) | n >> 24, 8);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/work/found"],
  },
  {
    ...IN_CORE,
    id: "core/start-begins-again",
    what: "START of the running search begins it anew",
    edits: [
      { file: WORK, from: "if (r->core->search.state == LV06_NONE || r->core->search.id != id) begin", to: "begin" },
    ],
    hint: ["usb/work/start-again"],
  },
  {
    ...IN_CORE,
    id: "core/deadline-not-enforced",
    what: "A search goes on beyond its deadline",
    edits: [
      {
        file: WORK,
        from: "now(core) - s->start_ms >= s->deadline_ms) end(core, LV06_EXPIRED);",
        to: "now(core) - s->start_ms >= 60u * (uint64_t)s->deadline_ms) end(core, LV06_EXPIRED);",
      },
    ],
    hint: ["usb/work/expires"],
  },
  {
    ...IN_CORE,
    id: "core/stop-does-not",
    what: "STOP is answered, and the search goes on",
    edits: [
      { file: WORK, from: "if (core->search.state == LV06_RUNNING) end(core, LV06_STOPPED);", to: "(void)core;" },
    ],
    expected: ["model"],
    hint: ["usb/work/stopped"],
  },
  {
    ...IN_CORE,
    id: "core/end-told-twice",
    what: "The end of a search is told at every turn",
    edits: [
      { file: WORK, from: "core->search.ended = false;", to: "core->search.ended = core->search.state == LV06_FOUND;" },
    ],
    hint: ["usb/work/result-stays"],
  },
  {
    ...IN_CORE,
    id: "core/inflated-rows-off-by-one",
    what: "Of inflated rows the last one is not taken",
    edits: [{ file: IMAGES, from: "good ? count : 0};", to: "good ? count - (count > 1u) : 0};" }],
    expected: ["model"],
    hint: ["usb/image/film-deflated", "usb/image/filters"],
  },
  {
    ...IN_CORE,
    id: "core/filter-two-rows-up",
    what: "Filtered rows are undone against the row before the one above",
    edits: [
      {
        file: IMAGE,
        from: "i == 0 ? NULL : row - width, width);",
        to: "i == 0 ? NULL : row - width - (i > 1u ? stride : 0u), width);",
      },
    ],
    expected: ["model", "virtual"],
    hint: ["usb/image/filters"],
  },
  {
    ...IN_CORE,
    id: "core/roots-of-the-rows-before",
    what: "Rows that come again do not change the roots",
    edits: [
      {
        file: AHEAD,
        from: "if (first < (last_band + 1u) * scale) forget(&core->ahead, i);",
        to: "if (first < (last_band + 1u) * scale) (void)last_band;",
      },
    ],
    hint: ["usb/image/rows-again"],
  },
  {
    ...IN_CORE,
    id: "core/highest-missing-row",
    what: "MISSING names a row behind the lowest missing one",
    edits: [
      {
        file: IMAGE,
        from: "while (row < image->height && (image->arrived[row / 8u] & bit(row)) != 0) row++;\n  return row;",
        to: "while (row < image->height && (image->arrived[row / 8u] & bit(row)) != 0) row++;\n  return row + 1u < image->height ? row + 1u : row;",
      },
    ],
    hint: ["usb/image/missing"],
  },
  {
    ...IN_CORE,
    id: "core/reset-repeated",
    what: "A RESET for the boot before restarts the device again",
    edits: [{ file: BOARD, from: "} else if (boot != r->core->boot) {", to: "} else if (boot == ~r->core->boot) {" }],
    hint: ["usb/reset/another-boot"],
  },
  {
    ...IN_CORE,
    id: "core/input-voltage-in-volts",
    what: "HEALTH says inputMv in V",
    edits: [
      {
        file: BOARD,
        from: "lv06_put_milli(&r->text, bounded(readings.milli[i]));",
        to: "lv06_put_milli(&r->text, bounded(readings.milli[i]) / (i == LV06_INPUT_MV ? 1000 : 1));",
      },
    ],
    hint: ["usb/health/units"],
  },
  {
    ...IN_CORE,
    id: "core/uptime-in-ms",
    what: "HEALTH counts uptimeS in ms",
    edits: [{ file: BOARD, from: "hal->clock_ms(hal->context) / 1000u);", to: "hal->clock_ms(hal->context));" }],
    hint: ["usb/health/uptime"],
  },
  {
    ...IN_CORE,
    id: "core/unknown-is-zero",
    what: "HEALTH says 0 for what the device does not know",
    edits: [
      {
        file: BOARD,
        from: 'if (!readings.known[i]) continue;\n    lv06_put_pair(&r->text, names[i], "");\n    lv06_put_milli(&r->text, bounded(readings.milli[i]));',
        to: 'lv06_put_pair(&r->text, names[i], "");\n    lv06_put_milli(&r->text, readings.known[i] && i != LV06_VR_TEMP_C ? bounded(readings.milli[i]) : 0);',
      },
    ],
    hint: ["usb/health/absent-not-zero"],
  },
];
