/* Payloads (SPEC 3.4): COBS with every byte XORed with a line feed. */
#ifndef LV06_COBS_H
#define LV06_COBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* Decodes in place. False when it is no payload, or one of no bytes. */
bool lv06_cobs_decode(uint8_t *bytes, size_t length, size_t *decoded);

/* Encodes straight into a text, in pieces. */
typedef struct {
  lv06_text *text;
  size_t group; /* where the group's length goes */
  size_t count; /* bytes in the group */
  bool open;
} lv06_cobs;

lv06_cobs lv06_cobs_begin(lv06_text *text);
void lv06_cobs_add(lv06_cobs *cobs, const uint8_t *bytes, size_t length);
void lv06_cobs_end(lv06_cobs *cobs);

#endif
