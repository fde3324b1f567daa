/*
 * The vectors' device (SPEC 13): a HAL that has everything, answers the same on every run, and collects what the core
 * writes. Its clock stands still: a test moves `now_ms` and calls lv06_poll. Take a pointer out of the HAL, and the
 * device lacks that part. Every lv06_start is a boot, with the next boot id.
 */
#ifndef LV06_BENCH_HAL_H
#define LV06_BENCH_HAL_H

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../core/hmac.h"
#include "../core/inflate.h"
#include "../core/lv06.h"
#include "../core/sha256.h"

enum { BENCH_RASTER = 224 * 224, BENCH_EVENTS = 32 };

/* What the ASIC says `at_ms` after the start of a search, and the hashes it has tried by then. */
typedef struct {
  uint64_t at_ms, hashes;
  lv06_work_news news;
  lv06_nonce nonce;
} bench_event;

typedef struct {
  uint64_t now_ms;
  lv06_readings readings; /* by default the regulator's temperature and the fan are not known */
  bool sha_fails, hmac_fails, asic_busy;
  bool slow_line; /* the rate changes when the test says so: `rate = next_rate` */
  unsigned hashes, hashes_ok;     /* calls of the SHA unit; after `hashes_ok` of them it fails */
  unsigned starts, starts_ok;     /* searches; after `starts_ok` of them the ASIC is not free */
  bench_event events[BENCH_EVENTS]; /* in the order of time; by default the genesis block's nonce at 12 ms */
  size_t event_count, events_said;
  uint64_t search_ms;
  bool searching;
  unsigned boots, stops, restarts, log_level;
  uint32_t rate, next_rate;
  lv06_job job;
  uint8_t raster[BENCH_RASTER];
  size_t length;
  uint8_t bytes[1 << 17];
} bench;

static inline void bench_write(void *context, const uint8_t *bytes, size_t length) {
  bench *b = context;
  if (length > sizeof b->bytes - b->length) abort();
  memcpy(b->bytes + b->length, bytes, length);
  b->length += length;
}

static inline bool bench_sha256(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  bench *b = context;
  b->hashes++;
  lv06_sha256(bytes, length, digest);
  return !b->sha_fails && b->hashes <= b->hashes_ok;
}

static inline size_t bench_inflate(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity) {
  (void)context;
  return lv06_inflate(in, length, out, capacity);
}

static inline void bench_sensors(void *context, lv06_readings *readings) { *readings = ((bench *)context)->readings; }

static inline uint64_t bench_clock_ms(void *context) { return ((bench *)context)->now_ms; }

static inline uint32_t bench_random(void *context) {
  return 0x1a2b3c4du + ((bench *)context)->boots++;
}

static inline bool bench_hmac(void *context, const uint8_t *message, size_t length, uint8_t mac[LV06_DIGEST_SIZE]) {
  uint8_t key[32];
  for (unsigned i = 0; i < sizeof key; i++) key[i] = (uint8_t)i;
  lv06_hmac_sha256(key, sizeof key, message, length, mac);
  return !((bench *)context)->hmac_fails;
}

static inline bool bench_work_start(void *context, const lv06_job *job) {
  bench *b = context;
  if (b->asic_busy || b->starts == b->starts_ok) return false;
  b->starts++;
  b->search_ms = b->now_ms;
  b->searching = true;
  b->events_said = 0;
  b->job = *job;
  return true;
}

static inline void bench_work_stop(void *context) {
  bench *b = context;
  b->stops++;
  b->searching = false;
}

static inline lv06_work_news bench_work_poll(void *context, lv06_nonce *found) {
  bench *b = context;
  const bench_event *event = &b->events[b->events_said];
  if (!b->searching || b->events_said == b->event_count || b->now_ms - b->search_ms < event->at_ms) {
    return LV06_WORK_NOTHING;
  }
  b->events_said++;
  *found = event->nonce;
  return event->news;
}

static inline uint64_t bench_work_hashes(void *context) {
  const bench *b = context;
  return b->events_said == 0 ? 0 : b->events[b->events_said - 1u].hashes;
}

static inline void bench_set_rate(void *context, uint32_t baud) {
  bench *b = context;
  b->next_rate = baud;
  if (!b->slow_line) b->rate = baud;
}

static inline uint32_t bench_rate(void *context) { return ((const bench *)context)->rate; }

static inline void bench_log_level(void *context, unsigned level) { ((bench *)context)->log_level = level; }

static inline void bench_restart(void *context) { ((bench *)context)->restarts++; }

static inline lv06_readings bench_readings(void) {
  lv06_readings readings = {
      .milli = {[LV06_TEMP_C] = 58250,
                [LV06_POWER_W] = 12600,
                [LV06_CORE_MV] = 1200000,
                [LV06_INPUT_MV] = 5040000,
                [LV06_CURRENT_MA] = 2500000,
                [LV06_FREQUENCY_MHZ] = 485000,
                [LV06_HASHRATE_GHS] = 433590,
                [LV06_FREE_HEAP_B] = 182000000},
      .reset_reason = "power-on",
  };
  for (size_t i = 0; i < LV06_SENSORS; i++) readings.known[i] = readings.milli[i] != 0;
  readings.known[LV06_ERRORS] = true;
  return readings;
}

/* `b` begins with zeros. */
static inline lv06_hal bench_hal(bench *b) {
  static const uint32_t rates[] = {115200, 460800, 921600};
  b->now_ms = 12345;
  b->readings = bench_readings();
  b->log_level = 3;
  b->hashes_ok = UINT_MAX;
  b->starts_ok = UINT_MAX;
  b->events[0] = (bench_event){12, 0x100000000u, LV06_WORK_NONCE, {0x7c2bac1du, 1}};
  b->event_count = 1;
  return (lv06_hal){
      .context = b,
      .write = bench_write,
      .sha256 = bench_sha256,
      .inflate = bench_inflate,
      .sensors = bench_sensors,
      .clock_ms = bench_clock_ms,
      .random = bench_random,
      .hmac = bench_hmac,
      .work_start = bench_work_start,
      .work_stop = bench_work_stop,
      .work_poll = bench_work_poll,
      .work_hashes = bench_work_hashes,
      .set_rate = bench_set_rate,
      .rate = bench_rate,
      .log_level = bench_log_level,
      .restart = bench_restart,
      .rates = rates,
      .rate_count = sizeof rates / sizeof rates[0],
      .raster = b->raster,
      .raster_size = sizeof b->raster,
      .firmware = "vectors/1",
      .device = "vectors",
      .simulated = true,
  };
}

#endif
