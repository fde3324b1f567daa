/*
 * Puts the core, the chip and the board together, and runs the core in a task. Not compiled against ESP-IDF, and not run on
 * hardware, yet. Functions: freertos/task.h, esp_system.h, esp_heap_caps.h (ESP-IDF 5.5).
 */
#include "esp_heap_caps.h"
#include "esp_system.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "lv06_esp.h"
#include "parts.h"
#include "sdkconfig.h"
#include "transport.h"

enum {
  CHUNK = 256,         /* bytes fed at once */
  LONGEST_WAIT_MS = 100 /* however long the core would sleep */
};

typedef struct {
  const lv06_board *board;
  lv06_hal hal;
  char device[PARTS_DEVICE_ID];
  bool logging; /* the log may have left a line open */
  uint32_t rate;
  lv06_core core;
} esp;

static void line_write(void *context, const uint8_t *bytes, size_t length) {
  static const uint8_t line_feed = '\n';
  const esp *self = context;
  if (self->logging) lv06_line.write(&line_feed, 1);
  lv06_line.write(bytes, length);
}

static void log_level(void *context, unsigned level) {
  esp *self = context;
  self->logging = level > 0;
  lv06_chip_log_level(level);
}

static void line_set_rate(void *context, uint32_t baud) {
  lv06_line.set_rate(baud);
  ((esp *)context)->rate = baud;
}

/* The change waits for its time, so it has always happened. */
static uint32_t line_rate(void *context) { return ((const esp *)context)->rate; }

static void restart(void *context) {
  (void)context;
  lv06_line.drain();
  esp_restart();
}

static void sensors(void *context, lv06_readings *readings) {
  const esp *self = context;
  if (self->board->sensors != NULL) self->board->sensors(self->board->context, readings);
  if (!readings->known[LV06_FREE_HEAP_B]) {
    readings->known[LV06_FREE_HEAP_B] = true;
    readings->milli[LV06_FREE_HEAP_B] = (int64_t)esp_get_free_heap_size() * 1000;
  }
  if (readings->reset_reason == NULL) readings->reset_reason = lv06_chip_reset_reason();
}

static bool work_start(void *context, const lv06_job *job) {
  const lv06_board *board = ((const esp *)context)->board;
  return board->work_start(board->work_context, job);
}

static void work_stop(void *context) {
  const lv06_board *board = ((const esp *)context)->board;
  board->work_stop(board->work_context);
}

static lv06_work_news work_poll(void *context, lv06_nonce *found) {
  const lv06_board *board = ((const esp *)context)->board;
  return board->work_poll(board->work_context, found);
}

static uint64_t work_hashes(void *context) {
  const lv06_board *board = ((const esp *)context)->board;
  return board->work_hashes(board->work_context);
}

static void add_work(lv06_hal *hal) {
  hal->work_start = work_start;
  hal->work_stop = work_stop;
  hal->work_poll = work_poll;
  hal->work_hashes = work_hashes;
}

static void add_line(lv06_hal *hal) {
  static const uint32_t rates[] = {115200, 460800, 921600};
  if (lv06_line.set_rate == NULL) return;
  hal->set_rate = line_set_rate;
  hal->rate = line_rate;
  hal->rates = rates;
  hal->rate_count = sizeof rates / sizeof rates[0];
}

static void fill_hal(esp *self) {
  lv06_hal *hal = &self->hal;
  const lv06_board *board = self->board;
  lv06_chip_device_id(self->device);
  *hal = (lv06_hal){
      .context = self,
      .write = line_write,
      .sha256 = lv06_sha_unit,
      .inflate = lv06_inflate_unit,
      .sensors = sensors,
      .clock_ms = lv06_chip_clock_ms,
      .random = lv06_chip_random,
      .hmac = lv06_hmac_provisioned() ? lv06_hmac_unit : NULL,
      .log_level = log_level,
      .restart = restart,
      .firmware = board->firmware != NULL ? board->firmware : "lv06-esp/1",
      .device = self->device,
      .simulated = false,
  };
  hal->raster = lv06_chip_raster(CONFIG_LV06_RASTER_PSRAM, CONFIG_LV06_RASTER_INTERNAL, &hal->raster_size);
  add_line(hal);
  if (board->work_start != NULL) add_work(hal);
}

static void run(void *argument) {
  esp *self = argument;
  uint8_t bytes[CHUNK];
  lv06_start(&self->core, &self->hal);
  for (;;) {
    uint32_t wait_ms = lv06_poll(&self->core);
    size_t length = lv06_line.read(bytes, sizeof bytes, wait_ms < LONGEST_WAIT_MS ? wait_ms : LONGEST_WAIT_MS);
    if (length > 0) lv06_feed(&self->core, bytes, length);
  }
}

esp_err_t lv06_esp_start(const lv06_board *board) {
  static esp *self;
  if (self != NULL) return ESP_ERR_INVALID_STATE;
  esp_err_t error = lv06_sha_open();
  if (error == ESP_OK) error = lv06_inflate_open();
  if (error == ESP_OK) error = lv06_line_open();
  if (error != ESP_OK) return error;
  self = heap_caps_calloc(1, sizeof *self, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
  if (self == NULL) return ESP_ERR_NO_MEM;
  self->board = board;
  self->logging = true;
  fill_hal(self);
  BaseType_t made = xTaskCreate(run, "lv06", CONFIG_LV06_TASK_STACK, self, CONFIG_LV06_TASK_PRIORITY, NULL);
  return made == pdPASS ? ESP_OK : ESP_ERR_NO_MEM;
}
