/* PNG's filters against the words of ISO/IEC 15948 §9.2. */
#include <stdlib.h>
#include <string.h>

#include "../core/image.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3) return 0;
  size_t width = 1u + data[0], count = (size - 1) / (width + 1), length = count * (width + 1);
  if (count == 0) return 0;
  uint8_t *ours = malloc(length), *expected = malloc(length);
  if (ours == NULL || expected == NULL) abort();
  memcpy(ours, data + 1, length);
  memcpy(expected, data + 1, length);
  for (size_t y = 0; (data[0] & 1) != 0 && y < count; y++) {
    ours[y * (width + 1)] %= 5; /* else few inputs have good types only */
    expected[y * (width + 1)] %= 5;
  }
  bool good = lv06_unfilter(ours, width, count), must = oracle_unfilter(expected, width, count);
  DEMAND(good == must, "rows with a type from 0 to 4 are taken, and no others");
  DEMAND(memcmp(ours, expected, length) == 0, "each filter is taken off as ISO/IEC 15948 says, or nothing is changed");
  free(ours);
  free(expected);
  return 0;
}
