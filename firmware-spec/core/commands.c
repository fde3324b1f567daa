#include "commands.h"

static bool yes(const lv06_hal *hal) {
  (void)hal;
  return true;
}

#if !LV06_MINIMAL

bool lv06_has_raster(const lv06_hal *hal) { return hal->raster != NULL && hal->raster_size > 0; }
bool lv06_has_rates(const lv06_hal *hal) { return hal->set_rate != NULL && hal->rate_count > 0; }
static bool has_sensors(const lv06_hal *hal) { return hal->sensors != NULL; }
static bool has_asic(const lv06_hal *hal) { return hal->work_start != NULL; }
static bool has_key(const lv06_hal *hal) { return hal->hmac != NULL; }
static bool has_log(const lv06_hal *hal) { return hal->log_level != NULL; }
static bool has_restart(const lv06_hal *hal) { return hal->restart != NULL; }

#endif

const lv06_command *lv06_commands(void) {
  static const lv06_command commands[] = {
      {"HELLO", NULL, yes, lv06_hello, false},
#if !LV06_MINIMAL
      {"PING", NULL, yes, lv06_ping, false},
#endif
      {"HASH", "hash", yes, lv06_hash, false},
#if !LV06_MINIMAL
      {"BATCH", "batch", yes, lv06_batch, false},
      {"IMAGE", "image", lv06_has_raster, lv06_image_command, false},
      {"HEALTH", "health", has_sensors, lv06_health, false},
      {"WORK", "work", has_asic, lv06_work, false},
      {"ATTEST", "attest", has_key, lv06_attest, true},
      {"KEY", "key", has_key, lv06_key, true},
      {"BAUD", "baud", lv06_has_rates, lv06_baud, false},
      {"LOG", "log", has_log, lv06_log, false},
      {"RESET", "reset", has_restart, lv06_reset, false},
#endif
      {NULL, NULL, yes, NULL, false},
  };
  return commands;
}
