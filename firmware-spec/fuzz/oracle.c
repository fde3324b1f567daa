#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

_Noreturn void oracle_broken(const char *file, int line, const char *sentence) {
  fprintf(stderr, "%s:%d: broken: %s\n", file, line, sentence);
  abort();
}

static bool is_hex(uint8_t c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
static unsigned hex_value(uint8_t c) { return c <= '9' ? c - '0' + 0u : c - 'a' + 10u; }

bool part_is(part p, const char *string) {
  return p.length == strlen(string) && memcmp(p.bytes, string, p.length) == 0;
}

bool part_is_hex(part p, size_t length) {
  if (p.length != length) return false;
  for (size_t i = 0; i < length; i++) {
    if (!is_hex(p.bytes[i])) return false;
  }
  return true;
}

bool part_bytes(part p, uint8_t *bytes, size_t size) {
  if (!part_is_hex(p, 2 * size)) return false;
  for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(hex_value(p.bytes[2 * i]) << 4 | hex_value(p.bytes[2 * i + 1]));
  return true;
}

bool part_number(part p, size_t digits, uint64_t *value) {
  *value = 0;
  if (p.length == 0 || p.length > digits || (p.length > 1 && p.bytes[0] == '0')) return false;
  for (size_t i = 0; i < p.length; i++) {
    if (p.bytes[i] < '0' || p.bytes[i] > '9') return false;
    *value = *value * 10 + (p.bytes[i] - '0' + 0u);
  }
  return true;
}

size_t oracle_encode(const uint8_t *data, size_t length, uint8_t *out) {
  size_t made = 0, at = 0;
  bool more = true;
  while (more) {
    size_t k = 0;
    while (at + k < length && k < 254 && data[at + k] != 0) k++;
    out[made++] = (uint8_t)((k + 1) ^ 0x0a);
    for (size_t i = 0; i < k; i++) out[made++] = data[at + i] ^ 0x0a;
    at += k;
    if (k == 254) {
      more = at < length; /* no empty group follows one of 254 bytes at the end */
    } else if (at < length) {
      at++; /* the zero that ended it; if it was the last byte, an empty group follows */
    } else {
      more = false;
    }
  }
  return made;
}

bool oracle_decode(const uint8_t *bytes, size_t length, uint8_t *data, size_t *made) {
  *made = 0;
  for (size_t at = 0; at < length;) {
    unsigned c = bytes[at++] ^ 0x0au;
    if (c == 0 || c - 1 > length - at) return false;
    for (unsigned i = 1; i < c; i++) data[(*made)++] = bytes[at++] ^ 0x0a;
    if (c != 255 && at != length) data[(*made)++] = 0;
  }
  return *made > 0;
}

bool oracle_inflate(const uint8_t *in, size_t length, uint8_t *out, size_t capacity, size_t *made) {
  z_stream z;
  memset(&z, 0, sizeof z);
  if (inflateInit2(&z, -15) != Z_OK) abort();
  z.next_in = (Bytef *)(uintptr_t)in;
  z.avail_in = (uInt)length;
  z.next_out = out;
  z.avail_out = (uInt)capacity;
  int end = inflate(&z, Z_FINISH);
  *made = capacity - z.avail_out;
  bool good = end == Z_STREAM_END && z.avail_in == 0;
  (void)inflateEnd(&z);
  return good;
}

static uint8_t paeth(int a, int b, int c) {
  int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
  return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
}

bool oracle_unfilter(uint8_t *rows, size_t width, size_t count) {
  for (size_t y = 0; y < count; y++) {
    if (rows[y * (width + 1)] > 4) return false;
  }
  for (size_t y = 0; y < count; y++) {
    uint8_t *row = rows + y * (width + 1) + 1;
    const uint8_t *above = y > 0 ? row - (width + 1) : NULL;
    for (size_t x = 0; x < width; x++) {
      int a = x > 0 ? row[x - 1] : 0, b = above ? above[x] : 0, c = above && x > 0 ? above[x - 1] : 0;
      int add[5] = {0, a, b, (a + b) / 2, paeth(a, b, c)};
      row[x] = (uint8_t)(row[x] + add[row[-1]]);
    }
  }
  return true;
}

const char *oracle_reason(line_kind kind) {
  switch (kind) {
  case LINE_LONG: return "LONG";
  case LINE_BYTES: return "BYTES";
  case LINE_FORM: return "FORM";
  case LINE_CRC: return "CRC";
  case LINE_LOG:
  case LINE_ASK:
  case LINE_FRAME: return NULL;
  }
  return NULL;
}

static bool verb_is_good(part verb) {
  if (verb.length == 0 || verb.length > 16) return false;
  for (size_t i = 0; i < verb.length; i++) {
    uint8_t c = verb.bytes[i];
    bool upper = c >= 'A' && c <= 'Z', later = (c >= '0' && c <= '9') || c == '_';
    if (!upper && (i == 0 || !later)) return false;
  }
  return true;
}

/* Verb and words: parted by exactly one space, none of them empty. */
static bool read_words(const uint8_t *text, size_t length, oracle_frame *frame) {
  size_t begin = 0, found = 0;
  frame->count = 0;
  for (size_t i = 0; i <= length; i++) {
    if (i < length && text[i] != ' ') continue;
    part p = {text + begin, i - begin};
    if (p.length == 0) return false;
    if (found++ == 0) {
      frame->verb = p;
    } else if (frame->count < ORACLE_WORDS) {
      frame->words[frame->count++] = p;
    }
    begin = i + 1;
  }
  return verb_is_good(frame->verb);
}

static size_t find_payload(const uint8_t *line, size_t length) {
  for (size_t i = 0; i + 1 < length; i++) {
    if (line[i] == ' ' && line[i + 1] == ':') return i;
  }
  return SIZE_MAX;
}

static bool all_printable(const uint8_t *line, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (line[i] < 0x20 || line[i] > 0x7e) return false;
  }
  return true;
}

line_kind oracle_read(const uint8_t *line, size_t length, size_t limit, oracle_frame *frame) {
  if (length == 0 || line[0] != '~') {
    bool ask = (length == 1 || (length == 2 && line[1] == '\r')) && line[0] == '?';
    return ask ? LINE_ASK : LINE_LOG;
  }
  if (line[length - 1] == '\r') length--;
  if (length + 1 > limit) return LINE_LONG;
  size_t payload = find_payload(line, length);
  if (!all_printable(line, payload == SIZE_MAX ? length : payload)) return LINE_BYTES;
  if (length < 16 || !part_is_hex((part){line + 1, 4}, 4) || line[5] != ' ') return LINE_FORM;
  const uint8_t *tail = line + length - 9;
  if (tail[0] != ' ' || !part_is_hex((part){tail + 1, 8}, 8)) return LINE_FORM;
  uint8_t crc[4];
  (void)part_bytes((part){tail + 1, 8}, crc, 4);
  uint32_t sent = (uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | crc[3];
  if (crc32(0, line, (uInt)(length - 8)) != sent) return LINE_CRC;
  uint8_t seq[2];
  (void)part_bytes((part){line + 1, 4}, seq, 2);
  frame->seq = (unsigned)seq[0] << 8 | seq[1];
  frame->payload = payload != SIZE_MAX;
  frame->payload_length = 0;
  size_t end = frame->payload ? payload : length - 9;
  if (end < 7 || !read_words(line + 6, end - 6, frame)) return LINE_FORM;
  if (!frame->payload) return LINE_FRAME;
  const uint8_t *coded = line + payload + 2;
  if (coded >= tail) return LINE_FORM;
  return oracle_decode(coded, (size_t)(tail - coded), frame->data, &frame->payload_length) ? LINE_FRAME : LINE_FORM;
}
