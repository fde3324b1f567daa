#include "commands.h"
#include "mem.h"

#define UNSOLICITED 0u

#if !LV06_MINIMAL

static void notify(lv06_core *core, const char *verb, const char *word) {
  lv06_text text = lv06_reply_begin(core, UNSOLICITED, verb);
  lv06_put(&text, " ");
  lv06_put(&text, word);
  lv06_reply_send(core, &text);
}

static void announce(lv06_core *core) {
  lv06_readings readings;
  memset(&readings, 0, sizeof readings);
  if (core->hal->sensors != NULL) core->hal->sensors(core->hal->context, &readings);
  notify(core, "BOOT", readings.reset_reason == NULL ? "unknown" : readings.reset_reason);
}

#endif

static bool is_known(const lv06_core *core, const lv06_command *command) {
  return command->always || command->offered(core->hal);
}

static void refuse_verb(lv06_request *r) {
  lv06_refuse(r, "VERB", "this device knows");
  for (const lv06_command *c = lv06_commands(); c->verb != NULL; c++) {
    if (!c->offered(r->core->hal)) continue;
    lv06_put(&r->text, " ");
    lv06_put(&r->text, c->verb);
  }
}

static void obey(lv06_request *r) {
  const lv06_command *command = lv06_commands();
  while (command->verb != NULL && !lv06_span_is(r->frame.verb, command->verb)) command++;
  r->text = lv06_reply_begin(r->core, r->frame.seq, "OK");
  if (command->verb != NULL && is_known(r->core, command)) {
    command->act(r);
  } else {
    refuse_verb(r);
  }
  if (r->text.cut) lv06_refuse(r, "LENGTH", "the reply is longer than a line");
  lv06_reply_send(r->core, &r->text);
#if !LV06_MINIMAL
  /* Again: the time it took to answer is no silence (SPEC 5.9). */
  lv06_rate_heard(r->core);
#endif
  if (r->after != NULL) r->after(r);
}

/* Frames that a device sends, come back by an echo or a second device: an answer to them would never end. */
static bool is_echo(const lv06_frame *frame) {
  return lv06_span_is(frame->verb, "OK") || lv06_span_is(frame->verb, "ERR") || lv06_span_is(frame->verb, "NAK") ||
         lv06_span_is(frame->verb, "BOOT") || (frame->seq == UNSOLICITED && lv06_span_is(frame->verb, "WORK"));
}

static void greet(lv06_core *core) {
  lv06_text text = {core->reply, LV06_FIRST_LINE, 0, false};
  lv06_put(&text, "LV06 direct-hash device, protocol 1");
  if (core->hal->simulated) lv06_put(&text, ", simulated");
  lv06_put(&text, ". Requests are lines ~SEQ VERB ARGS CRC32: `lv06 device frame PING` makes one, SPEC.md explains them.\n");
  core->hal->write(core->hal->context, text.bytes, text.length);
}

static bool is_question(const lv06_core *core) {
  return core->line[0] == '?' && (core->length == 1u || (core->length == 2u && core->line[1] == '\r'));
}

#if LV06_MINIMAL

static void reject(lv06_core *core, const char *reason) {
  (void)reason;
  core->discarded++;
}

#else

static void reject(lv06_core *core, const char *reason) {
  uint64_t now = core->hal->clock_ms(core->hal->context), *due = &core->nak_due_ms[core->nak_next];
  core->discarded++;
  if (core->rate.trying || now < *due) return;
  *due = now + 1000u;
  core->nak_next = (core->nak_next + 1u) % LV06_NAKS_A_SECOND;
  notify(core, "NAK", reason);
}

#endif

static void take_frame(lv06_request *r) {
  if (is_echo(&r->frame)) return;
  if (r->frame.seq == UNSOLICITED) {
    reject(r->core, "SEQ");
    return;
  }
#if !LV06_MINIMAL
  lv06_rate_heard(r->core);
  /* A search that has ended says so first, that START and STATUS find it as it is. */
  lv06_work_tick(r->core);
#endif
  obey(r);
}

static void take_line(lv06_core *core) {
  lv06_request r;
  memset(&r, 0, sizeof r);
  r.core = core;
  if (core->overlong) {
    if (core->line[0] == '~') reject(core, "LONG");
    return;
  }
  switch (lv06_frame_parse(core->line, core->length, &r.frame)) {
  case LV06_FRAME:
    take_frame(&r);
    return;
  case LV06_LOG:
    if (core->length > 0 && is_question(core)) greet(core);
    return;
  case LV06_BAD_BYTES:
    reject(core, "BYTES");
    return;
  case LV06_BAD_FORM:
    reject(core, "FORM");
    return;
  case LV06_BAD_CRC:
    reject(core, "CRC");
    return;
  }
}

void lv06_start(lv06_core *core, const lv06_hal *hal) {
  memset(core, 0, sizeof *core);
  core->hal = hal;
  core->boot = hal->random(hal->context);
  core->reply_max = LV06_FIRST_LINE;
#if !LV06_MINIMAL
  lv06_rate_start(core);
  announce(core);
#endif
}

/* Only the CR that does not count may stand where the line feed would have to be. */
static bool is_overlong(const lv06_core *core) {
  return core->overlong || (core->length == LV06_LINE_MAX && core->line[LV06_LINE_MAX - 1u] != '\r');
}

static void take_byte(lv06_core *core, uint8_t byte) {
  if (byte == '\n') {
    core->overlong = is_overlong(core);
    take_line(core);
    core->length = 0;
    core->overlong = false;
  } else if (core->length < LV06_LINE_MAX) {
    core->line[core->length++] = byte;
  } else {
    core->overlong = true;
  }
}

static bool is_deaf(const lv06_core *core) {
#if LV06_MINIMAL
  return core->over;
#else
  return core->over || core->rate.switching;
#endif
}

static void settle(lv06_core *core) {
#if LV06_MINIMAL
  (void)core;
#else
  lv06_rate_settle(core);
#endif
}

void lv06_feed(lv06_core *core, const uint8_t *bytes, size_t length) {
  settle(core);
  for (size_t i = 0; i < length && !is_deaf(core); i++) take_byte(core, bytes[i]);
  /* Again: where `set_rate` waits, the change has happened meanwhile, but these bytes were there before it. */
  settle(core);
}

uint32_t lv06_poll(lv06_core *core) {
#if LV06_MINIMAL
  (void)core;
  return UINT32_MAX;
#else
  if (core->over) return UINT32_MAX;
  lv06_rate_tick(core);
  lv06_work_tick(core);
  uint32_t work = lv06_work_due(core), rate = lv06_rate_due(core);
  return work < rate ? work : rate;
#endif
}
