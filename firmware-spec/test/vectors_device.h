/* The vectors' device (vectors/README.md): scripted, so that every answer is known. */
#ifndef LV06_VECTORS_DEVICE_H
#define LV06_VECTORS_DEVICE_H

#include <stdlib.h>
#include <string.h>

#include "../core/hmac.h"
#include "../core/inflate.h"
#include "../core/lv06.h"
#include "../core/sha256.h"

enum { DEVICE_RASTER = 224 * 224, DEVICE_SCRIPT = 8, DEVICE_OUT = 1 << 18 };

/* What the ASIC says `at_ms` after its start. */
typedef struct {
  uint64_t at_ms, hashes;
  lv06_work_news news;
  lv06_nonce nonce;
} device_says;

typedef struct {
  uint64_t now_ms, started_ms, hashes;
  unsigned boots, restarts, log_level, starts, starts_allowed;
  uint32_t rate;
  bool sha_fails, hmac_fails;
  lv06_readings readings;
  device_says script[DEVICE_SCRIPT];
  size_t script_length, said;
  uint8_t raster[DEVICE_RASTER];
  size_t length;
  uint8_t out[DEVICE_OUT];
} device;

static inline void device_write(void *context, const uint8_t *bytes, size_t length) {
  device *d = context;
  if (length > sizeof d->out - d->length) abort();
  memcpy(d->out + d->length, bytes, length);
  d->length += length;
}

static inline bool device_sha256(void *context, const uint8_t *bytes, size_t length, uint8_t digest[32]) {
  lv06_sha256(bytes, length, digest);
  return !((const device *)context)->sha_fails;
}

static inline size_t device_inflate(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity) {
  (void)context;
  return lv06_inflate(in, length, out, capacity);
}

static inline void device_sensors(void *context, lv06_readings *readings) {
  *readings = ((const device *)context)->readings;
}

static inline uint64_t device_clock_ms(void *context) { return ((const device *)context)->now_ms; }

/* 1a2b3c4d, 1a2b3c4e, …: a boot id each. */
static inline uint32_t device_random(void *context) { return 0x1a2b3c4du + ((device *)context)->boots++; }

static inline bool device_hmac(void *context, const uint8_t *message, size_t length, uint8_t mac[32]) {
  uint8_t key[32];
  for (unsigned i = 0; i < sizeof key; i++) key[i] = (uint8_t)i;
  lv06_hmac_sha256(key, sizeof key, message, length, mac);
  return !((const device *)context)->hmac_fails;
}

static inline bool device_work_start(void *context, const lv06_job *job) {
  device *d = context;
  (void)job;
  if (d->starts >= d->starts_allowed) return false;
  d->starts++;
  d->started_ms = d->now_ms;
  d->said = 0;
  d->hashes = 0;
  return true;
}

/* Nonces that were on their way still come. */
static inline void device_work_stop(void *context) { (void)context; }

static inline lv06_work_news device_work_poll(void *context, lv06_nonce *found) {
  device *d = context;
  if (d->said == d->script_length || d->now_ms - d->started_ms < d->script[d->said].at_ms) return LV06_WORK_NOTHING;
  const device_says *says = &d->script[d->said++];
  d->hashes = says->hashes;
  *found = says->nonce;
  return says->news;
}

static inline uint64_t device_work_hashes(void *context) { return ((const device *)context)->hashes; }
static inline void device_set_rate(void *context, uint32_t baud) { ((device *)context)->rate = baud; }
static inline void device_log_level(void *context, unsigned level) { ((device *)context)->log_level = level; }
static inline void device_restart(void *context) { ((device *)context)->restarts++; }

static inline void device_reading(device *d, enum lv06_sensor sensor, int64_t milli) {
  d->readings.known[sensor] = true;
  d->readings.milli[sensor] = milli;
}

/* The regulator's thermometer and the fan are missing; no error has happened, which is known. */
static inline void device_fresh(device *d) {
  memset(d, 0, sizeof *d);
  d->now_ms = 12345;
  d->log_level = 3;
  d->rate = 115200;
  d->starts_allowed = 1000;
  device_reading(d, LV06_TEMP_C, 58250);
  device_reading(d, LV06_POWER_W, 12600);
  device_reading(d, LV06_CORE_MV, 1200000);
  device_reading(d, LV06_INPUT_MV, 5040000);
  device_reading(d, LV06_CURRENT_MA, 2500000);
  device_reading(d, LV06_FREQUENCY_MHZ, 485000);
  device_reading(d, LV06_HASHRATE_GHS, 433590);
  device_reading(d, LV06_ERRORS, 0);
  device_reading(d, LV06_FREE_HEAP_B, 182000000);
  d->readings.reset_reason = "power-on";
}

static inline lv06_hal device_hal(device *d) {
  static const uint32_t rates[] = {115200, 460800, 921600};
  return (lv06_hal){
      .context = d,
      .write = device_write,
      .sha256 = device_sha256,
      .inflate = device_inflate,
      .sensors = device_sensors,
      .clock_ms = device_clock_ms,
      .random = device_random,
      .hmac = device_hmac,
      .work_start = device_work_start,
      .work_stop = device_work_stop,
      .work_poll = device_work_poll,
      .work_hashes = device_work_hashes,
      .set_rate = device_set_rate,
      .log_level = device_log_level,
      .restart = device_restart,
      .rates = rates,
      .rate_count = sizeof rates / sizeof rates[0],
      .raster = d->raster,
      .raster_size = sizeof d->raster,
      .firmware = "vectors/1",
      .device = "vectors",
      .simulated = true,
  };
}

#endif
