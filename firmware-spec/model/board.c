#include "board.h"

#include "../core/hmac.h"
#include "../core/inflate.h"
#include "../core/mem.h"
#include "../core/sha256.h"
#include "boot_text.h"
#include "random.h"

enum { LOG_AT_BOOT = 3, BAD_PPM = 5000, DAMAGE_PPM = 1000 };
/* Hashes in one go: some tenths of a millisecond, that the line may have to wait for. */
enum { BUDGET = 512 };

static uint64_t now_us(const model_board *board) { return board->platform.now_us(board->platform.context); }

static void hal_write(void *context, const uint8_t *bytes, size_t length) {
  const model_board *board = context;
  board->platform.write(board->platform.context, bytes, length);
}

static bool hal_sha256(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  (void)context;
  lv06_sha256(bytes, length, digest);
  return true;
}

static size_t hal_inflate(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity) {
  (void)context;
  return lv06_inflate(in, length, out, capacity);
}

static void hal_sensors(void *context, lv06_readings *readings) {
  static const char *const reasons[MODEL_BOOT_REASONS] = {
      [MODEL_POWER_ON] = "power-on",
      [MODEL_BROWNOUT] = "brownout",
      [MODEL_PANIC] = "panic",
      [MODEL_SOFTWARE] = "software",
  };
  model_board *board = context;
  model_sensors_read(&board->sensors, now_us(board), readings);
  readings->known[LV06_ERRORS] = true;
  readings->milli[LV06_ERRORS] = (int64_t)board->asic.damaged * 1000;
  readings->reset_reason = reasons[board->reason];
}

static uint64_t hal_clock_ms(void *context) {
  const model_board *board = context;
  return (now_us(board) - board->boot_us) / 1000u;
}

static uint32_t hal_random(void *context) {
  const model_board *board = context;
  return board->platform.random(board->platform.context);
}

static bool hal_hmac(void *context, const uint8_t *message, size_t length, uint8_t mac[LV06_DIGEST_SIZE]) {
  const model_board *board = context;
  lv06_hmac_sha256(board->options.key, sizeof board->options.key, message, length, mac);
  return true;
}

static void log_line(model_board *board, unsigned level, const char *words) {
  uint8_t line[MODEL_LOG_MAX];
  if (level > board->log_level) return;
  hal_write(board, line, model_log_line(line, level, hal_clock_ms(board), words));
}

static bool hal_work_start(void *context, const lv06_job *job) {
  model_board *board = context;
  uint64_t now = now_us(board);
  model_sensors_load(&board->sensors, now, 1);
  model_asic_work(&board->asic, now, job);
  log_line(board, 3, "bm1366: simulated: a processor searches, as far as it keeps up");
  return true;
}

static void stop_work(model_board *board) {
  uint64_t now = now_us(board);
  model_sensors_load(&board->sensors, now, 0);
  model_asic_stop(&board->asic, now);
}

static void hal_work_stop(void *context) { stop_work(context); }

static lv06_work_news hal_work_poll(void *context, lv06_nonce *found) {
  model_board *board = context;
  lv06_work_news news = model_asic_poll(&board->asic, now_us(board), found);
  if (news == LV06_WORK_NONCE) log_line(board, 4, "bm1366: simulated: a nonce");
  if (news == LV06_WORK_EXHAUSTED) {
    log_line(board, 3, "bm1366: simulated: every nonce tried");
    stop_work(board);
  }
  return news;
}

static uint64_t hal_work_hashes(void *context) {
  const model_board *board = context;
  return bm1366_hashes(&board->asic.chip, now_us(board));
}

static void hal_set_rate(void *context, uint32_t baud) {
  const model_board *board = context;
  board->platform.set_rate(board->platform.context, baud);
}

static uint32_t hal_rate(void *context) {
  const model_board *board = context;
  return board->platform.rate(board->platform.context);
}

static void hal_log_level(void *context, unsigned level) { ((model_board *)context)->log_level = level; }

static void hal_restart(void *context) {
  const model_board *board = context;
  board->platform.restart(board->platform.context);
}

static lv06_hal wiring(model_board *board) {
  static const uint32_t rates[] = {115200, 460800, 921600};
  lv06_hal hal;
  memset(&hal, 0, sizeof hal);
  hal.context = board;
  hal.write = hal_write;
  hal.sha256 = hal_sha256;
  hal.inflate = hal_inflate;
  hal.sensors = hal_sensors;
  hal.clock_ms = hal_clock_ms;
  hal.random = hal_random;
  hal.hmac = board->options.has_key ? hal_hmac : NULL;
  hal.work_start = hal_work_start;
  hal.work_stop = hal_work_stop;
  hal.work_poll = hal_work_poll;
  hal.work_hashes = hal_work_hashes;
  hal.set_rate = board->platform.set_rate == NULL ? NULL : hal_set_rate;
  hal.rate = hal_rate;
  hal.log_level = hal_log_level;
  hal.restart = hal_restart;
  hal.rates = rates;
  hal.rate_count = board->platform.set_rate == NULL ? 0 : sizeof rates / sizeof rates[0];
  hal.raster = board->raster;
  hal.raster_size = sizeof board->raster;
  hal.firmware = LV06_MINIMAL ? "lv06-model-minimal/0.3.0" : "lv06-model/0.3.0";
  hal.device = board->device;
  hal.simulated = true;
  return hal;
}

static double hashes_per_us(double hashrate_ghs, double work_scale) {
  return work_scale > 0 ? hashrate_ghs * 1e3 / work_scale : 0;
}

model_options model_options_default(uint32_t seed) {
  static const char domain[16] = "lv06-model/key/1";
  model_options options;
  uint8_t input[20];
  memset(&options, 0, sizeof options);
  options.seed = seed;
  options.hashrate_ghs = MODEL_HASHRATE_GHS;
  options.work_scale = MODEL_WORK_SCALE;
  options.steps = BM1366_STEPS;
  options.has_key = true;
  memcpy(input, domain, sizeof domain);
  for (unsigned i = 0; i < 4; i++) input[16 + i] = (uint8_t)(seed >> (24u - 8u * i));
  lv06_sha256(input, sizeof input, options.key);
  return options;
}

static void power_asic(model_board *board) {
  const model_options *o = &board->options;
  const bm1366_config config = {model_random(&board->random), hashes_per_us(o->hashrate_ghs, o->work_scale), o->steps,
                                BAD_PPM, DAMAGE_PPM};
  model_asic_start(&board->asic, &config);
}

static void name_device(char name[32], uint32_t seed) {
  static const char stem[] = "lv06-model-";
  const size_t at = sizeof stem - 1;
  memcpy(name, stem, at);
  for (unsigned i = 0; i < 8; i++) name[at + i] = "0123456789abcdef"[(seed >> (28 - 4 * i)) & 15u];
  name[at + 8] = '\0';
}

void model_board_start(model_board *board, const model_options *options, const model_platform *platform) {
  board->options = *options;
  board->platform = *platform;
  board->random = options->seed;
  name_device(board->device, options->seed);
  model_sensors_start(&board->sensors, model_random(&board->random), options->hashrate_ghs);
  board->hal = wiring(board);
  model_board_boot(board, MODEL_POWER_ON);
}

void model_board_boot(model_board *board, model_boot_reason reason) {
  const char *text = model_boot_text(reason);
  board->reason = reason;
  board->boot_us = now_us(board);
  board->log_level = LOG_AT_BOOT;
  model_sensors_load(&board->sensors, board->boot_us, 0);
  model_sensors_restart(&board->sensors);
  power_asic(board);
  /* What a chip holds after power was lost is no image any more; a search for left-overs should find none. */
  memset(board->raster, 0, sizeof board->raster);
  if (board->options.banner || reason == MODEL_BROWNOUT || reason == MODEL_PANIC) {
    hal_write(board, (const uint8_t *)text, model_text_length(text));
  }
  lv06_start(&board->core, &board->hal);
}

void model_board_feed(model_board *board, const uint8_t *bytes, size_t length) {
  lv06_feed(&board->core, bytes, length);
}

uint64_t model_board_poll(model_board *board) {
  bm1366_run(&board->asic.chip, now_us(board), BUDGET);
  uint32_t core_ms = lv06_poll(&board->core);
  uint64_t wait_us = board->asic.working ? bm1366_wait_us(&board->asic.chip, now_us(board)) : UINT64_MAX;
  if (core_ms != UINT32_MAX && (uint64_t)core_ms * 1000u < wait_us) wait_us = (uint64_t)core_ms * 1000u;
  return wait_us;
}

void model_board_set_work(model_board *board, double hashrate_ghs, double work_scale) {
  board->options.hashrate_ghs = hashrate_ghs;
  board->options.work_scale = work_scale;
  board->sensors.hashrate_ghs = hashrate_ghs;
  bm1366_set_speed(&board->asic.chip, hashes_per_us(hashrate_ghs, work_scale));
}
