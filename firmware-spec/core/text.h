/* Text into a buffer of fixed size; what does not fit is cut and remembered. */
#ifndef LV06_TEXT_H
#define LV06_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *bytes;
  size_t size;
  size_t length;
  bool cut;
} lv06_text;

void lv06_put(lv06_text *text, const char *string);
void lv06_put_bytes(lv06_text *text, const uint8_t *bytes, size_t length);
/* `digits` lowercase hexadecimal digits. */
void lv06_put_hex(lv06_text *text, uint32_t value, unsigned digits);
void lv06_put_hex_bytes(lv06_text *text, const uint8_t *bytes, size_t length);
void lv06_put_unsigned(lv06_text *text, uint64_t value);
/* Thousandths as a decimal number, without trailing zeros: -1500 is "-1.5". */
void lv06_put_milli(lv06_text *text, int64_t milli);

/* Reads `digits` (at most 8) lowercase hexadecimal digits. */
bool lv06_take_hex(const uint8_t *bytes, unsigned digits, uint32_t *value);
/* Reads `count` bytes of two digits each. `bytes` may be `digits`. */
bool lv06_take_bytes(const uint8_t *digits, size_t count, uint8_t *bytes);
/* Reads a decimal number of 1 to `digits` (at most 9) digits, without leading zeros. */
bool lv06_take_decimal(const uint8_t *bytes, size_t length, unsigned digits, uint32_t *value);

#endif
