/** Defects of the device's core: its line, its boots, its handshake. */
import type { Mutant } from "../mutant.ts";

const CORE = "firmware-spec/core/core.c";
const FRAME = "firmware-spec/core/frame.c";
const REQUEST = "firmware-spec/core/request.c";
const HELLO = "firmware-spec/core/hello.c";

const IN_CORE = { where: "core", hint: [], expected: ["model"] } as const;

export const CORE_LINE_MUTANTS: readonly Mutant[] = [
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
    expected: ["model", "virtual"],
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
    expected: ["model", "virtual"],
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
];
