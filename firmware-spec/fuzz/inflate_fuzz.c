/* lv06_inflate against zlib: the same streams are taken, and they make the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "../core/inflate.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first two bytes are the room there is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  size_t capacity = (size_t)data[0] << 8 | data[1], made = 0, ours;
  uint8_t *out = malloc(capacity + 1), *in = malloc(size), *expected = malloc(capacity + 1);
  if (out == NULL || in == NULL || expected == NULL) abort();
  memcpy(in, data + 2, size - 2);
  in = realloc(in, size > 2 ? size - 2 : 1);
  out = realloc(out, capacity > 0 ? capacity : 1);
  bool good = oracle_inflate(in, size - 2, expected, capacity, &made);
  ours = lv06_inflate(in, size - 2, out, capacity);
  DEMAND(ours <= capacity, "no more is made than there is room for");
  DEMAND(ours == (good ? made : 0), "the same streams are taken as by zlib (RFC 1951)");
  DEMAND(ours == 0 || memcmp(out, expected, ours) == 0, "they make the same bytes as with zlib (RFC 1951)");
  free(out);
  free(in);
  free(expected);
  return 0;
}
