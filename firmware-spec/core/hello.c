/* HELLO and PING: SPEC 5.1, 5.2. */
#include "commands.h"
#include "mem.h"

/* The value of the first `maxLine` word. Other words are ignored. */
static bool take_max_line(lv06_request *r, uint32_t *value) {
  static const char key[] = "maxLine=";
  const size_t length = sizeof key - 1u;
  lv06_span word;
  *value = LV06_FIRST_LINE;
  while (lv06_take_word(r, &word)) {
    if (word.length < length || !lv06_span_is((lv06_span){word.bytes, length}, key)) continue;
    return lv06_take_decimal(word.bytes + length, word.length - length, 5, value) && *value >= 512u && *value <= 65536u;
  }
  return true;
}

static void put_list(lv06_text *text, bool first, const char *item) {
  if (!first) lv06_put(text, ",");
  lv06_put(text, item);
}

static void put_capabilities(lv06_text *text, const lv06_hal *hal) {
  bool first = true;
  lv06_put_pair(text, "caps", "");
  for (const lv06_command *c = lv06_commands(); c->verb != NULL; c++) {
    if (c->capability == NULL || !c->offered(hal)) continue;
    put_list(text, first, c->capability);
    first = false;
  }
}

#if !LV06_MINIMAL

static void put_options(lv06_text *text, const lv06_hal *hal) {
  if (lv06_has_raster(hal)) {
    size_t most = (size_t)LV06_IMAGE_SIDE * LV06_IMAGE_SIDE;
    lv06_put_number(text, "maxImage", hal->raster_size < most ? hal->raster_size : most);
    if (hal->inflate != NULL && LV06_INFLATE_MAX > 0) lv06_put_number(text, "inflate", LV06_INFLATE_MAX);
  }
  if (!lv06_has_rates(hal)) return;
  lv06_put_pair(text, "rates", "");
  for (size_t i = 0; i < hal->rate_count && i < LV06_RATES_MAX; i++) {
    put_list(text, i == 0, "");
    lv06_put_unsigned(text, hal->rates[i]);
  }
}

/* A new host: nothing is kept for it but the search (SPEC 5.6), and the line is quiet. */
static void clean_up(lv06_core *core) {
  memset(&core->image, 0, sizeof core->image);
  if (core->hal->log_level != NULL) core->hal->log_level(core->hal->context, 0);
}

#endif

static void put_description(lv06_text *text, const lv06_hal *hal, uint32_t nonce) {
  lv06_put_number(text, "proto", LV06_PROTOCOL);
  lv06_put_pair(text, "nonce", "");
  lv06_put_hex(text, nonce, 8);
  lv06_put_pair(text, "firmware", hal->firmware);
  lv06_put_pair(text, "device", hal->device);
  put_capabilities(text, hal);
  lv06_put_number(text, "maxLine", LV06_LINE_MAX);
  if (LV06_REPLY_MAX > 512) lv06_put_number(text, "maxReply", LV06_REPLY_MAX);
  lv06_put_number(text, "lines", LV06_CREDIT_LINES);
  lv06_put_number(text, "bytes", LV06_CREDIT_BYTES);
  lv06_put_number(text, "maxBlock", LV06_BLOCK_MAX);
}

void lv06_hello(lv06_request *r) {
  /* Version 1 is the lowest there is, so every host speaks it. */
  uint32_t version, nonce, max_line;
  const lv06_hal *hal = r->core->hal;
  if (!lv06_take_number(r, 4, &version) || version == 0 || !lv06_take_id(r, &nonce) || !take_max_line(r, &max_line) ||
      r->frame.payload.length > 0) {
    lv06_refuse(r, "ARGS", "HELLO takes a version from 1 on, 8 hex digits of nonce, and maxLine=512 to 65536 if any");
    return;
  }
  r->core->reply_max = max_line < LV06_REPLY_MAX ? max_line : LV06_REPLY_MAX;
  put_description(&r->text, hal, nonce);
#if !LV06_MINIMAL
  put_options(&r->text, hal);
  clean_up(r->core);
#endif
  if (hal->simulated) lv06_put_pair(&r->text, "simulated", "1");
}

#if !LV06_MINIMAL

void lv06_ping(lv06_request *r) {
  if (!lv06_no_more(r)) lv06_refuse(r, "ARGS", "PING takes no argument");
}

#endif
