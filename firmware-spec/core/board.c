/* HEALTH, LOG and RESET: SPEC 5.5, 5.10. */
#include "commands.h"
#include "mem.h"

#if !LV06_MINIMAL

/* Nine digits before the point, as SPEC 5.5 has it; a counter stays at 999999999. */
static int64_t bounded(int64_t milli) {
  const int64_t most = 999999999000;
  return milli > most ? most : milli < -most ? -most : milli;
}

/* The core counts nonces that did not verify, the board what else is wrong with the ASIC's answers. */
static void add_errors(const lv06_core *core, lv06_readings *readings) {
  if (core->hal->work_start == NULL) return;
  readings->known[LV06_ERRORS] = true;
  readings->milli[LV06_ERRORS] += (int64_t)core->search.all_errors * 1000;
}

void lv06_health(lv06_request *r) {
  static const char *const names[LV06_SENSORS] = {
      "tempC",        "vrTempC",     "powerW", "coreMv", "inputMv",   "currentMa",
      "frequencyMhz", "hashrateGhs", "errors", "fanRpm", "freeHeapB",
  };
  const lv06_hal *hal = r->core->hal;
  lv06_readings readings;
  if (!lv06_no_more(r)) {
    lv06_refuse(r, "ARGS", "HEALTH takes no argument");
    return;
  }
  memset(&readings, 0, sizeof readings);
  hal->sensors(hal->context, &readings);
  add_errors(r->core, &readings);
  for (size_t i = 0; i < LV06_SENSORS; i++) {
    if (!readings.known[i]) continue;
    lv06_put_pair(&r->text, names[i], "");
    lv06_put_milli(&r->text, bounded(readings.milli[i]));
  }
  lv06_put_counter(&r->text, "uptimeS", hal->clock_ms(hal->context) / 1000u);
  if (readings.reset_reason != NULL) lv06_put_pair(&r->text, "resetReason", readings.reset_reason);
}

void lv06_log(lv06_request *r) {
  const lv06_hal *hal = r->core->hal;
  uint32_t level;
  if (!lv06_take_number(r, 1, &level) || level > 5u || !lv06_no_more(r)) {
    lv06_refuse(r, "ARGS", "LOG takes a level, 0 to 5");
  } else {
    hal->log_level(hal->context, level);
  }
}

static void restart(lv06_request *r) {
  lv06_work_quit(r->core);
  r->core->over = true;
  r->core->hal->restart(r->core->hal->context);
}

void lv06_reset(lv06_request *r) {
  uint32_t boot;
  if (!lv06_take_id(r, &boot) || !lv06_no_more(r)) {
    lv06_refuse(r, "ARGS", "RESET takes the boot id");
  } else if (boot != r->core->boot) {
    lv06_refuse(r, "BOOT", "that boot is over");
  } else {
    r->after = restart;
  }
}

#endif
