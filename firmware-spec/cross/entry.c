/*
 * The smallest board around the core, to link it and to measure what it takes. Its functions do nothing; report.py leaves
 * them out of its figures. With PARTS the software parts are linked too: SHA-256, HMAC and inflate.
 */
#include "../core/lv06.h"

#ifdef PARTS
#include "../core/hmac.h"
#include "../core/inflate.h"
#include "../core/sha256.h"
#endif

lv06_core lv06_measured;
volatile const uint8_t board_port[64];
static const uint32_t board_rates[] = {115200, 921600};
static uint8_t board_raster[64];

static void board_write(void *context, const uint8_t *bytes, size_t length) { (void)context, (void)bytes, (void)length; }

static bool board_sha256(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  (void)context;
#ifdef PARTS
  lv06_sha256(bytes, length, digest);
  return true;
#else
  (void)bytes, (void)length, (void)digest;
  return false;
#endif
}

#if !LV06_MINIMAL
static size_t board_inflate(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity) {
  (void)context;
#ifdef PARTS
  return lv06_inflate(in, length, out, capacity);
#else
  (void)in, (void)length, (void)out, (void)capacity;
  return 0;
#endif
}

static bool board_hmac(void *context, const uint8_t *message, size_t length, uint8_t mac[LV06_DIGEST_SIZE]) {
  (void)context;
#ifdef PARTS
  static const uint8_t key[LV06_DIGEST_SIZE] = {1};
  lv06_hmac_sha256(key, sizeof key, message, length, mac);
  return true;
#else
  (void)message, (void)length, (void)mac;
  return false;
#endif
}

static void board_sensors(void *context, lv06_readings *readings) { (void)context, (void)readings; }

static bool board_work_start(void *context, const lv06_job *job) {
  (void)context, (void)job;
  return false;
}

static lv06_work_news board_work_poll(void *context, lv06_nonce *found) {
  (void)context, (void)found;
  return LV06_WORK_NOTHING;
}

static uint64_t board_work_hashes(void *context) {
  (void)context;
  return 0;
}

static void board_set_rate(void *context, uint32_t baud) { (void)context, (void)baud; }
static uint32_t board_rate(void *context) {
  (void)context;
  return 0;
}
static void board_log_level(void *context, unsigned level) { (void)context, (void)level; }
#endif

static uint64_t board_clock_ms(void *context) {
  (void)context;
  return 0;
}

static uint32_t board_random(void *context) {
  (void)context;
  return 0;
}

static void board_nothing(void *context) { (void)context; }

void _start(void);
void _start(void) {
  const lv06_hal hal = {
      .write = board_write,
      .sha256 = board_sha256,
      .clock_ms = board_clock_ms,
      .random = board_random,
      .restart = board_nothing,
      .rates = board_rates,
      .rate_count = sizeof board_rates / sizeof board_rates[0],
      .raster = board_raster,
      .raster_size = sizeof board_raster,
      .firmware = "board/1",
      .device = "board",
#if !LV06_MINIMAL
      .inflate = board_inflate,
      .sensors = board_sensors,
      .hmac = board_hmac,
      .work_start = board_work_start,
      .work_stop = board_nothing,
      .work_poll = board_work_poll,
      .work_hashes = board_work_hashes,
      .set_rate = board_set_rate,
      .rate = board_rate,
      .log_level = board_log_level,
#endif
  };
  lv06_start(&lv06_measured, &hal);
  for (;;) {
    uint8_t bytes[sizeof board_port];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = board_port[i];
    lv06_feed(&lv06_measured, bytes, sizeof bytes);
    (void)lv06_poll(&lv06_measured);
  }
}
