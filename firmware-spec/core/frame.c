#include "frame.h"

#include "cobs.h"
#include "crc32.h"

enum { HEAD = 6, TAIL = 9, VERB_MAX = 16 }; /* "~0001 " and " 1a2b3c4d" */

static bool printable(const uint8_t *line, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (line[i] < 0x20u || line[i] > 0x7eu) return false;
  }
  return true;
}

static bool is_upper(uint8_t c) { return c >= 'A' && c <= 'Z'; }
static bool is_verb_tail(uint8_t c) { return is_upper(c) || (c >= '0' && c <= '9') || c == '_'; }

/* Splits `body` at its first space. Words are parted by single spaces, none at either end. */
static bool split(lv06_span body, lv06_frame *frame) {
  size_t verb = 0;
  for (size_t i = 0; i < body.length; i++) {
    bool space = body.bytes[i] == ' ';
    if (space && (i == 0 || i + 1u == body.length || body.bytes[i + 1u] == ' ')) return false;
    if (space && verb == 0) verb = i;
  }
  if (verb == 0) verb = body.length;
  if (verb == 0 || verb > VERB_MAX || !is_upper(body.bytes[0])) return false;
  for (size_t i = 1; i < verb; i++) {
    if (!is_verb_tail(body.bytes[i])) return false;
  }
  frame->verb = (lv06_span){body.bytes, verb};
  frame->args = verb == body.length ? (lv06_span){body.bytes + verb, 0}
                                    : (lv06_span){body.bytes + verb + 1u, body.length - verb - 1u};
  return true;
}

/* Where the SP ":" before a payload is; the line's length if it has none. */
static size_t find_payload(const uint8_t *line, size_t length) {
  for (size_t i = 0; i + 1u < length; i++) {
    if (line[i] == ' ' && line[i + 1u] == ':') return i;
  }
  return length;
}

lv06_line_kind lv06_frame_parse(uint8_t *line, size_t length, lv06_frame *frame) {
  uint32_t seq, crc;
  if (length > 0 && line[length - 1u] == '\r') length--;
  if (length == 0 || line[0] != '~') return LV06_LOG;
  size_t words = find_payload(line, length);
  if (!printable(line, words)) return LV06_BAD_BYTES;
  if (length < HEAD + 1u + TAIL || line[HEAD - 1] != ' ' || line[length - TAIL] != ' ') return LV06_BAD_FORM;
  if (!lv06_take_hex(line + 1, 4, &seq) || !lv06_take_hex(line + length - 8u, 8, &crc)) return LV06_BAD_FORM;
  if (lv06_crc32(line, length - 8u) != crc) return LV06_BAD_CRC;
  frame->seq = (uint16_t)seq;
  frame->payload = (lv06_span){NULL, 0};
  if (words < length) {
    /* Behind it are at least the SP and the digits of the checksum, for it is none of them. */
    uint8_t *payload = line + words + 2u;
    if (!lv06_cobs_decode(payload, length - TAIL - words - 2u, &frame->payload.length)) return LV06_BAD_FORM;
    frame->payload.bytes = payload;
  } else {
    words = length - TAIL;
  }
  if (words < HEAD || !split((lv06_span){line + HEAD, words - HEAD}, frame)) return LV06_BAD_FORM;
  return LV06_FRAME;
}

bool lv06_next_arg(lv06_span *args, lv06_span *arg) {
  size_t end = 0;
  if (args->length == 0) return false;
  while (end < args->length && args->bytes[end] != ' ') end++;
  *arg = (lv06_span){args->bytes, end};
  if (end < args->length) end++;
  args->bytes += end;
  args->length -= end;
  return true;
}

bool lv06_span_is(lv06_span span, const char *string) {
  size_t i = 0;
  while (i < span.length && string[i] != '\0' && span.bytes[i] == (uint8_t)string[i]) i++;
  return i == span.length && string[i] == '\0';
}

void lv06_frame_begin(lv06_text *text, uint16_t seq) {
  lv06_put(text, "~");
  lv06_put_hex(text, seq, 4);
}

void lv06_frame_end(lv06_text *text) {
  lv06_put(text, " ");
  lv06_put_hex(text, lv06_crc32(text->bytes, text->length), 8);
  lv06_put(text, "\n");
}
