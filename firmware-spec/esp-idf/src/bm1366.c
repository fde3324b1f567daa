/*
 * Jobs to a BM1366, nonces from it. Not compiled against ESP-IDF, and not run on hardware, yet.
 * Functions: driver/uart.h (component esp_driver_uart), esp_timer.h, esp_heap_caps.h (ESP-IDF 5.5).
 */
#include <string.h>

#include "lv06_asic_frame.h"
#include "esp_heap_caps.h"
#include "esp_timer.h"
#include "lv06_bm1366.h"

/* No nonce in 25 mean times for one: a chip that works is silent for so long once in 7 × 10^10 times. */
enum { SILENT_MEANS = 25, SILENT_LEAST_MS = 2000 };

/* The rate is an estimate, and the chip's queue has a length: more than the space is waited for before it is called tried. */
#define SPACE_MARGIN 1.5
enum { SPACE_LEAST_MS = 100 };

typedef struct {
  lv06_bm1366_config config;
  lv06_asic_reader reader;
  unsigned slot;
  uint32_t version; /* without the rolled bits */
  double space;     /* hashes until every nonce and version was tried */
  double ticket;    /* hashes between two nonces, on average */
  int64_t since_us, heard_us;
} chip;

static double since(const chip *self, int64_t from_us) {
  return (double)(esp_timer_get_time() - from_us) * 1e3 * (double)self->config.hashrate_ghs;
}

static void set_register(const chip *self, uint8_t address, uint32_t value) {
  uint8_t frame[LV06_ASIC_REGISTER_FRAME];
  lv06_asic_register_frame(frame, address, value);
  (void)uart_write_bytes(self->config.port, frame, sizeof frame);
}

static unsigned ones(uint32_t value) {
  unsigned count = 0;
  for (; value != 0; value &= value - 1u) count++;
  return count;
}

static bool start(void *context, const lv06_job *job) {
  chip *self = context;
  uint8_t frame[LV06_ASIC_JOB_FRAME];
  uint32_t ticket = lv06_asic_ticket_mask(job->target), rolled = lv06_asic_version_mask(job->version_mask) & 0xffffu;
  self->slot = (self->slot + 1u) % LV06_ASIC_JOB_IDS; /* answers to the job before name another */
  (void)uart_flush_input(self->config.port);
  set_register(self, LV06_ASIC_TICKET_MASK, ticket);
  set_register(self, LV06_ASIC_VERSION_MASK, lv06_asic_version_mask(job->version_mask));
  lv06_asic_job_frame(frame, self->slot, job->header, job->version_mask);
  (void)uart_write_bytes(self->config.port, frame, sizeof frame);
  memcpy(&self->version, frame + 82, 4); /* this chip is little-endian, like the header */
  self->ticket = 4294967296.0 * (double)(1ull << ones(ticket));
  self->space = 4294967296.0 * (double)(1ull << ones(rolled));
  self->since_us = self->heard_us = esp_timer_get_time();
  self->reader = (lv06_asic_reader){0};
  return true;
}

/* The chip knows no stop: it works through its job, and what it says of it is not read. */
static void stop(void *context) { ((chip *)context)->slot++; }

static double elapsed_ms(int64_t from_us) { return (double)(esp_timer_get_time() - from_us) / 1e3; }

static lv06_work_news quiet(const chip *self) {
  bool tried = since(self, self->since_us) > SPACE_MARGIN * self->space && elapsed_ms(self->since_us) > SPACE_LEAST_MS;
  bool silent = since(self, self->heard_us) > SILENT_MEANS * self->ticket && elapsed_ms(self->heard_us) > SILENT_LEAST_MS;
  return tried ? LV06_WORK_EXHAUSTED : silent ? LV06_WORK_FAILED : LV06_WORK_NOTHING;
}

static lv06_work_news poll(void *context, lv06_nonce *found) {
  chip *self = context;
  uint8_t byte;
  lv06_asic_nonce nonce;
  for (unsigned i = 0; i < 32u * LV06_ASIC_RESULT_FRAME; i++) {
    if (uart_read_bytes(self->config.port, &byte, 1, 0) != 1) return quiet(self);
    if (!lv06_asic_read(&self->reader, byte, &nonce) || nonce.slot != self->slot % LV06_ASIC_JOB_IDS) continue;
    self->heard_us = esp_timer_get_time();
    *found = (lv06_nonce){nonce.nonce, self->version | nonce.version_bits};
    return LV06_WORK_NONCE;
  }
  return LV06_WORK_NOTHING;
}

static uint64_t hashes(void *context) {
  const chip *self = context;
  double tried = since(self, self->since_us);
  return tried > 0 ? (uint64_t)tried : 0;
}

esp_err_t lv06_bm1366_attach(const lv06_bm1366_config *config, lv06_board *board) {
  chip *self = heap_caps_calloc(1, sizeof *self, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
  if (self == NULL) return ESP_ERR_NO_MEM;
  self->config = *config;
  board->work_start = start;
  board->work_stop = stop;
  board->work_poll = poll;
  board->work_hashes = hashes;
  board->work_context = self;
  return ESP_OK;
}
