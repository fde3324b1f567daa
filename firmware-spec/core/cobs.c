#include "cobs.h"

#define MASK 0x0au /* no byte of a payload may be a line feed */

enum { GROUP_MAX = 254 };

bool lv06_cobs_decode(uint8_t *bytes, size_t length, size_t *decoded) {
  size_t in = 0, out = 0;
  while (in < length) {
    size_t group = bytes[in++] ^ MASK;
    if (group == 0 || group - 1u > length - in) return false;
    for (size_t i = 1; i < group; i++) bytes[out++] = (uint8_t)(bytes[in++] ^ MASK);
    if (group <= GROUP_MAX && in < length) bytes[out++] = 0;
  }
  *decoded = out;
  return out > 0;
}

static void open_group(lv06_cobs *cobs) {
  static const uint8_t placeholder = 0;
  cobs->group = cobs->text->length;
  cobs->count = 0;
  cobs->open = true;
  lv06_put_bytes(cobs->text, &placeholder, 1);
}

static void close_group(lv06_cobs *cobs) {
  cobs->open = false;
  if (!cobs->text->cut) cobs->text->bytes[cobs->group] = (uint8_t)((cobs->count + 1u) ^ MASK);
}

lv06_cobs lv06_cobs_begin(lv06_text *text) {
  lv06_cobs cobs = {text, 0, 0, false};
  open_group(&cobs);
  return cobs;
}

void lv06_cobs_add(lv06_cobs *cobs, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (!cobs->open) open_group(cobs);
    if (bytes[i] == 0) {
      close_group(cobs);
      open_group(cobs);
      continue;
    }
    uint8_t byte = (uint8_t)(bytes[i] ^ MASK);
    lv06_put_bytes(cobs->text, &byte, 1);
    if (++cobs->count == GROUP_MAX) close_group(cobs);
  }
}

void lv06_cobs_end(lv06_cobs *cobs) {
  if (cobs->open) close_group(cobs);
}
