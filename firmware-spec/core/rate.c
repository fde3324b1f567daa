/* BAUD: SPEC 5.9. */
#include "commands.h"

#define CONFIRM_MS 500u
#define SILENCE_MS 10000u

#if !LV06_MINIMAL

static uint64_t now(const lv06_core *core) { return core->hal->clock_ms(core->hal->context); }

/* `set_rate` lets what was written leave first, so the time is taken after it. */
static void change(lv06_core *core, uint32_t rate) {
  core->rate.now = rate;
  core->hal->set_rate(core->hal->context, rate);
  core->rate.switched_ms = now(core);
}

void lv06_rate_start(lv06_core *core) {
  if (core->hal->set_rate == NULL) return;
  change(core, LV06_START_RATE);
  core->rate.heard_ms = core->rate.switched_ms;
}

void lv06_rate_heard(lv06_core *core) {
  core->rate.trying = false;
  core->rate.heard_ms = now(core);
}

/* Milliseconds from `since` to `limit` later; 0: they have passed. */
static uint32_t left(uint64_t time, uint64_t since, uint32_t limit) {
  return time - since < limit ? limit - (uint32_t)(time - since) : 0;
}

void lv06_rate_tick(lv06_core *core) {
  lv06_rate *rate = &core->rate;
  if (core->hal->set_rate == NULL) return;
  uint64_t time = now(core);
  if (rate->trying && left(time, rate->switched_ms, CONFIRM_MS) == 0) {
    rate->trying = false;
    change(core, rate->before);
  }
  if (rate->now != LV06_START_RATE && left(time, rate->heard_ms, SILENCE_MS) == 0) {
    rate->trying = false;
    change(core, LV06_START_RATE);
  }
}

uint32_t lv06_rate_due(const lv06_core *core) {
  const lv06_rate *rate = &core->rate;
  uint32_t due = UINT32_MAX;
  if (core->hal->set_rate == NULL) return due;
  uint64_t time = now(core);
  if (rate->now != LV06_START_RATE) due = left(time, rate->heard_ms, SILENCE_MS);
  if (!rate->trying) return due;
  uint32_t confirm = left(time, rate->switched_ms, CONFIRM_MS);
  return confirm < due ? confirm : due;
}

static void try_rate(lv06_request *r) {
  lv06_rate *rate = &r->core->rate;
  if (r->value == rate->now) return;
  rate->before = rate->now;
  rate->trying = true;
  change(r->core, r->value);
}

void lv06_baud(lv06_request *r) {
  const lv06_hal *hal = r->core->hal;
  bool good = lv06_take_number(r, 9, &r->value) && lv06_no_more(r), known = false;
  for (size_t i = 0; good && i < hal->rate_count && i < LV06_RATES_MAX; i++) known = known || hal->rates[i] == r->value;
  if (!known) {
    lv06_refuse(r, "ARGS", "BAUD takes one of the rates that HELLO names");
    return;
  }
  lv06_put(&r->text, " ");
  lv06_put_unsigned(&r->text, r->value);
  r->after = try_rate;
}

#endif
