#include "board.h"

#include <stdlib.h>
#include <string.h>

#include "../core/hmac.h"
#include "../core/inflate.h"
#include "../core/sha256.h"

static const uint32_t rates[] = {115200, 460800, 921600};
static bool fails(unsigned *countdown) {
  if (*countdown == 0) return false;
  (*countdown)--;
  return true;
}

static void on_write(void *context, const uint8_t *bytes, size_t length) {
  board *b = context;
  DEMAND(length > 0 && memchr(bytes, '\n', length) == bytes + length - 1, "one whole line is written at a time (lv06.h)");
  if (b->out_length + length > b->out_capacity) {
    b->out_capacity = 2 * (b->out_length + length);
    b->out = realloc(b->out, b->out_capacity);
    if (b->out == NULL) abort();
  }
  memcpy(b->out + b->out_length, bytes, length);
  board_written(b, bytes, length - 1);
  b->last = (part){b->out + b->out_length, length - 1};
  b->out_length += length;
}

/* ---- hardware ---- */

static bool on_sha256(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  board *b = context;
  DEMAND(digest + LV06_DIGEST_SIZE <= bytes || bytes + length <= digest, "the digest does not overlap (lv06.h)");
  lv06_sha256(bytes, length, digest);
  return !fails(&b->sha_fails);
}

#if !LV06_MINIMAL

static size_t on_inflate(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity) {
  board *b = context;
  return fails(&b->inflate_fails) ? 0 : lv06_inflate(in, length, out, capacity);
}

static bool on_hmac(void *context, const uint8_t *message, size_t length, uint8_t mac[LV06_DIGEST_SIZE]) {
  static const uint8_t key[LV06_DIGEST_SIZE] = {7};
  board *b = context;
  DEMAND(length == 84 || length == 49 || length == 100, "messages under the key have three lengths (SPEC 5.7)");
  lv06_hmac_sha256(key, sizeof key, message, length, mac);
  return !fails(&b->hmac_fails);
}

static void on_sensors(void *context, lv06_readings *readings) {
  const board *b = context;
  static const int64_t some[] = {0, 1, -1, 999, 1000, -1500, 1200000, INT64_C(1) << 53, -(INT64_C(1) << 53)};
  for (size_t i = 0; i < LV06_SENSORS; i++) {
    readings->known[i] = (b->clock_ms >> i & 1) != 0;
    readings->milli[i] = some[(b->clock_ms + i) % (sizeof some / sizeof some[0])];
  }
  readings->reset_reason = b->starts > 1 ? "software" : "power-on";
}

static bool on_work_start(void *context, const lv06_job *job) {
  board *b = context;
  if (fails(&b->busy)) return false;
  b->searching = true;
  b->job = *job;
  b->search_end_length = 0;
  return true;
}

static void on_work_stop(void *context) {
  board *b = context;
  DEMAND(b->searching, "only a search is stopped");
  b->searching = false;
}

static lv06_work_news on_work_poll(void *context, lv06_nonce *found) {
  board *b = context;
  DEMAND(b->searching, "only a search has news");
  if (b->news_at == b->news_count) return LV06_WORK_NOTHING;
  *found = b->news[b->news_at].nonce;
  return b->news[b->news_at++].what;
}

static uint64_t on_work_hashes(void *context) { return ((const board *)context)->hashes; }

static void on_set_rate(void *context, uint32_t baud) {
  board *b = context;
  bool known = false;
  for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) known = known || rates[i] == baud;
  DEMAND(known, "the rate is one of those announced (SPEC 5.9)");
  b->next_rate = baud;
}

static uint32_t on_rate(void *context) { return ((const board *)context)->rate; }

static void on_log_level(void *context, unsigned level) {
  (void)context;
  DEMAND(level <= 5, "log levels are 0 to 5 (SPEC 5.10)");
}

static void on_restart(void *context) { ((board *)context)->restart = true; }

#endif

static uint64_t on_clock(void *context) { return ((const board *)context)->clock_ms; }
static uint32_t on_random(void *context) { return ((const board *)context)->boot; }

static bool has(const char *absent, size_t length, char what) {
  return length == 0 || memchr(absent, what, length) == NULL;
}

static void fill_hal(board *b, const char *absent, size_t length) {
  lv06_hal *hal = &b->hal;
  hal->context = b;
  hal->write = on_write;
  hal->sha256 = on_sha256;
  hal->clock_ms = on_clock;
  hal->random = on_random;
  /* The longest names there may be: the reply to HELLO has to fit. */
  hal->firmware = "firmware-with-a-name-of-sixty-four-characters-in-all/1.2.3-beta.4";
  hal->device = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  hal->simulated = true;
  hal->rates = rates;
  hal->rate_count = sizeof rates / sizeof rates[0];
#if !LV06_MINIMAL
  if (has(absent, length, 'i')) hal->inflate = on_inflate;
  if (has(absent, length, 's')) hal->sensors = on_sensors;
  if (has(absent, length, 'k')) hal->hmac = on_hmac;
  if (has(absent, length, 'b')) {
    hal->set_rate = on_set_rate;
    hal->rate = on_rate;
  }
  if (has(absent, length, 'l')) hal->log_level = on_log_level;
  if (has(absent, length, 'x')) hal->restart = on_restart;
  if (has(absent, length, 'r')) {
    hal->raster = b->raster;
    hal->raster_size = BOARD_RASTER;
  }
  if (!has(absent, length, 'w')) return;
  hal->work_start = on_work_start;
  hal->work_stop = on_work_stop;
  hal->work_poll = on_work_poll;
  hal->work_hashes = on_work_hashes;
#else
  (void)absent, (void)length, (void)has;
#endif
}

/* ---- what must always hold ---- */

static void check_state(const board *b) {
  const lv06_core *core = b->core;
  DEMAND(core->hal == &b->hal && core->boot == b->boot, "the boot id does not change within a boot (SPEC 4.1)");
  DEMAND(core->length <= LV06_LINE_MAX, "a line in the making fits its buffer");
#if !LV06_MINIMAL
  const lv06_search *s = &core->search;
  DEMAND(s->state <= LV06_FAILED && (s->state == LV06_RUNNING) == b->searching, "the core and the ASIC agree on the search");
  DEMAND((size_t)core->image.width * core->image.height <= b->hal.raster_size, "an image fits the raster (SPEC 5.8)");
  DEMAND(b->hal.set_rate == NULL || core->rate.now == b->next_rate, "the core knows the line's rate (SPEC 5.9)");
#endif
}

board *board_new(const char *absent, size_t absent_length) {
  board *b = calloc(1, sizeof *b);
  if (b == NULL) abort();
  b->core = malloc(sizeof *b->core);
  b->raster = malloc(BOARD_RASTER);
  if (b->core == NULL || b->raster == NULL) abort();
  fill_hal(b, absent, absent_length);
  board_start(b);
  return b;
}

void board_free(board *b) {
  free(b->core);
  free(b->raster);
  free(b->out);
  free(b);
}

void board_start(board *b) {
  b->starts++;
  b->boot = 0x1a2b3c4du * b->starts;
  b->lines = 0;
  b->searching = false;
  memset(b->search_id, 0, sizeof b->search_id);
  b->search_end_length = 0;
  b->restart = false;
  memset(b->raster, 0xa5, BOARD_RASTER);
  lv06_start(b->core, &b->hal);
  DEMAND(b->lines == (LV06_MINIMAL ? 0 : 1), "the BOOT notice comes first, alone; the minimal profile has none (SPEC 7, 10)");
  check_state(b);
}

void board_feed(board *b, const uint8_t *bytes, size_t length) {
  /* A copy of its own, so that the sanitizer sees who reads beyond it. */
  uint8_t *copy = malloc(length + 1);
  if (copy == NULL) abort();
  if (length > 0) memcpy(copy, bytes, length);
  lv06_feed(b->core, copy, length);
  free(copy);
  check_state(b);
}

bool board_same(const board *one, const board *two) {
  return one->out_length == two->out_length && (one->out_length == 0 || memcmp(one->out, two->out, one->out_length) == 0);
}

void board_turn(board *b) {
  if (b->rate == b->next_rate) return;
  b->rate = b->next_rate;
  b->turns++;
}

void board_poll(board *b) {
  board_turn(b);
  size_t before = b->lines;
  uint32_t wait_ms = lv06_poll(b->core);
  DEMAND(b->lines - before <= 2, "a look at the clock writes no flood");
  DEMAND(wait_ms > 0, "the core does not want to be asked without a pause");
  check_state(b);
}

void board_add_news(board *b, lv06_work_news what, lv06_nonce nonce) {
  if (b->news_at == b->news_count) b->news_at = b->news_count = 0;
  if (b->news_count == BOARD_NEWS) return;
  b->news[b->news_count].what = what;
  b->news[b->news_count++].nonce = nonce;
}
