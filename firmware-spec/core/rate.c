/* BAUD: SPEC 5.9. */
#include "commands.h"

#define CONFIRM_MS 500u
#define SILENCE_MS 10000u
#define SWITCHING_MS 1u /* between looks whether the line has changed */

#if !LV06_MINIMAL

static uint64_t now(const lv06_core *core) { return core->hal->clock_ms(core->hal->context); }

static void change(lv06_core *core, uint32_t rate) {
  core->rate.now = rate;
  core->rate.switching = true;
  core->hal->set_rate(core->hal->context, rate);
}

void lv06_rate_settle(lv06_core *core) {
  lv06_rate *rate = &core->rate;
  if (!rate->switching || core->hal->rate(core->hal->context) != rate->now) return;
  rate->switching = false;
  rate->switched_ms = now(core);
  /* What was received before the change is dropped. */
  core->length = 0;
  core->overlong = false;
}

void lv06_rate_start(lv06_core *core) {
  if (core->hal->set_rate == NULL) return;
  core->rate.heard_ms = now(core);
  core->rate.now = LV06_START_RATE;
  if (core->hal->rate(core->hal->context) != LV06_START_RATE) change(core, LV06_START_RATE);
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
  lv06_rate_settle(core);
  if (core->hal->set_rate == NULL || rate->switching) return;
  uint64_t time = now(core);
  if (rate->trying && left(time, rate->switched_ms, CONFIRM_MS) == 0) {
    rate->trying = false;
    change(core, rate->before);
  } else if (rate->now != LV06_START_RATE && left(time, rate->heard_ms, SILENCE_MS) == 0) {
    rate->trying = false;
    change(core, LV06_START_RATE);
  }
  lv06_rate_settle(core);
}

uint32_t lv06_rate_due(const lv06_core *core) {
  const lv06_rate *rate = &core->rate;
  uint32_t due = UINT32_MAX;
  if (core->hal->set_rate == NULL) return due;
  if (rate->switching) return SWITCHING_MS;
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
