#include "garble.h"

#include <stdbool.h>

/* The sender's ten bits: start, data from the lowest on, stop; the line idles high before and after. */
static bool level(unsigned frame, uint64_t bit) { return bit >= 10u || ((frame >> bit) & 1u) != 0; }

size_t model_garble(uint8_t byte, uint32_t from, uint32_t to, uint8_t *out, size_t capacity) {
  const unsigned frame = ((unsigned)byte << 1) | 1u << 9;
  /* In units of which both rates have a whole number to half a bit. */
  const uint64_t sent_bit = 2u * (uint64_t)to, half = from;
  size_t length = 0;
  uint64_t at = 0;
  while (at < 10u && length < capacity) {
    bool edge = !level(frame, at) && (at == 0 || level(frame, at - 1u));
    uint64_t start = at * sent_bit;
    at++;
    if (!edge || level(frame, (start + half) / sent_bit)) continue;
    unsigned value = 0;
    for (unsigned i = 0; i < 8; i++) {
      if (level(frame, (start + half * (2u * i + 3u)) / sent_bit)) value |= 1u << i;
    }
    uint64_t stop = start + half * 19u;
    out[length++] = level(frame, stop / sent_bit) ? (uint8_t)value : 0;
    at = (stop + sent_bit - 1u) / sent_bit;
  }
  return length;
}
