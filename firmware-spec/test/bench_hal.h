/* A HAL that answers the same on every run, and collects what the core writes. */
#ifndef LV06_BENCH_HAL_H
#define LV06_BENCH_HAL_H

#include <string.h>

#include "../core/lv06.h"
#include "../core/sha256.h"

typedef struct {
  size_t length;
  unsigned hashes; /* calls of the SHA unit */
  bool sha_fails;
  uint8_t bytes[1 << 17];
} bench;

static void bench_write(void *context, const uint8_t *bytes, size_t length) {
  bench *b = context;
  if (length > sizeof b->bytes - b->length) return;
  memcpy(b->bytes + b->length, bytes, length);
  b->length += length;
}

static bool bench_sha256(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  bench *b = context;
  b->hashes++;
  lv06_sha256(bytes, length, digest);
  return !b->sha_fails;
}

/* The regulator's temperature and the fan are left unknown. */
static void bench_sensors(void *context, lv06_readings *readings) {
  static const int64_t milli[LV06_SENSORS] = {58250, 0, 12600, 1200000, 5040000, 2500000, 485000, 433590, 0, 182000000};
  (void)context;
  for (size_t i = 0; i < LV06_SENSORS; i++) {
    readings->known[i] = milli[i] != 0;
    readings->milli[i] = milli[i];
  }
  readings->reset_reason = "power-on";
}

static uint64_t bench_clock_ms(void *context) {
  (void)context;
  return 12345;
}

static uint32_t bench_random(void *context) {
  (void)context;
  return 0x1a2b3c4du;
}

static lv06_hal bench_hal(bench *b) {
  return (lv06_hal){b,           bench_write, bench_sha256, bench_sensors, bench_clock_ms, bench_random,
                    "vectors/1", "vectors",   true};
}

#endif
