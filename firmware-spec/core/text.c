#include "text.h"

#include "mem.h"

static const char digits_of[] = "0123456789abcdef";

void lv06_put_bytes(lv06_text *text, const uint8_t *bytes, size_t length) {
  if (length > text->size - text->length) {
    text->cut = true;
    return;
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
}

static void put_char(lv06_text *text, char c) {
  uint8_t byte = (uint8_t)c;
  lv06_put_bytes(text, &byte, 1);
}

void lv06_put(lv06_text *text, const char *string) {
  while (*string != '\0') put_char(text, *string++);
}

void lv06_put_hex(lv06_text *text, uint32_t value, unsigned digits) {
  while (digits-- > 0) put_char(text, digits_of[(value >> (4u * digits)) & 15u]);
}

void lv06_put_hex_bytes(lv06_text *text, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) lv06_put_hex(text, bytes[i], 2);
}

void lv06_put_unsigned(lv06_text *text, uint64_t value) {
  uint8_t digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (uint8_t)('0' + (int)(value % 10u));
    value /= 10u;
  } while (value > 0);
  lv06_put_bytes(text, digits + at, sizeof digits - at);
}

void lv06_put_milli(lv06_text *text, int64_t milli) {
  uint64_t size = milli < 0 ? 0u - (uint64_t)milli : (uint64_t)milli;
  unsigned fraction = (unsigned)(size % 1000u);
  if (milli < 0) put_char(text, '-');
  lv06_put_unsigned(text, size / 1000u);
  if (fraction == 0) return;
  put_char(text, '.');
  for (; fraction > 0; fraction = fraction % 100u * 10u) put_char(text, digits_of[fraction / 100u]);
}

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool lv06_take_hex(const uint8_t *bytes, unsigned digits, uint32_t *value) {
  *value = 0;
  for (unsigned i = 0; i < digits; i++) {
    int digit = hex_digit(bytes[i]);
    if (digit < 0) return false;
    *value = (*value << 4) | (uint32_t)digit;
  }
  return true;
}

bool lv06_take_bytes(const uint8_t *digits, size_t count, uint8_t *bytes) {
  for (size_t i = 0; i < count; i++) {
    uint32_t byte;
    if (!lv06_take_hex(digits + 2u * i, 2, &byte)) return false;
    bytes[i] = (uint8_t)byte;
  }
  return true;
}

bool lv06_take_decimal(const uint8_t *bytes, size_t length, unsigned digits, uint32_t *value) {
  *value = 0;
  if (length == 0 || length > digits || (length > 1u && bytes[0] == '0')) return false;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] < '0' || bytes[i] > '9') return false;
    *value = *value * 10u + (uint32_t)(bytes[i] - '0');
  }
  return true;
}
