/* Payloads, decoded and encoded, against the words of SPEC 3.4. */
#include <stdlib.h>
#include <string.h>

#include "../core/cobs.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *copy(const uint8_t *data, size_t size) {
  uint8_t *bytes = malloc(size > 0 ? size : 1);
  if (bytes == NULL) abort();
  if (size > 0) memcpy(bytes, data, size);
  return bytes;
}

static void decode(const uint8_t *data, size_t size) {
  uint8_t *ours = copy(data, size), *expected = copy(data, size);
  size_t made = 0, due = 0;
  bool good = lv06_cobs_decode(ours, size, &made), must = oracle_decode(data, size, expected, &due);
  DEMAND(good == must, "the same payloads are read as SPEC 3.4 says");
  DEMAND(!good || (made == due && memcmp(ours, expected, made) == 0), "they are read as SPEC 3.4 says");
  free(ours);
  free(expected);
}

/* In pieces of `piece` bytes, into room for `room`. */
static void encode(const uint8_t *data, size_t size, size_t piece, size_t room) {
  uint8_t *out = malloc(room + 1), *expected = malloc(size + size / 254 + 2);
  if (out == NULL || expected == NULL) abort();
  lv06_text text = {out, room, 0, false};
  lv06_cobs cobs = lv06_cobs_begin(&text);
  for (size_t at = 0; at < size; at += piece) lv06_cobs_add(&cobs, data + at, size - at < piece ? size - at : piece);
  lv06_cobs_end(&cobs);
  size_t due = oracle_encode(data, size, expected);
  DEMAND(due <= size + (size + 253) / 254, "n bytes take at most n + n / 254, rounded up (SPEC 3.4)");
  DEMAND(text.cut == (due > room), "what fits is written, what does not is cut");
  DEMAND(text.cut || (text.length == due && memcmp(out, expected, due) == 0), "a payload is written as SPEC 3.4 says");
  DEMAND(text.cut || memchr(out, '\n', due) == NULL, "no line feed occurs in a payload (SPEC 3.4)");
  free(out);
  free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  decode(data + 1, size - 1);
  encode(data + 1, size - 1, 1u + data[0], 2 * size);
  encode(data + 1, size - 1, 1u + data[0], size - 1);
  return 0;
}
