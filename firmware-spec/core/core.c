#include <string.h>

#include "frame.h"
#include "lv06.h"
#include "text.h"

#define UNSOLICITED 0u

typedef struct {
  lv06_core *core;
  lv06_frame frame;
  lv06_text text; /* the reply in the making */
} request;

static lv06_text begin_reply(lv06_core *core, uint16_t seq, const char *verb) {
  lv06_text text = {core->reply, sizeof core->reply, 0, false};
  lv06_frame_begin(&text, seq);
  lv06_put(&text, " ");
  lv06_put(&text, verb);
  lv06_put(&text, " ");
  lv06_put_hex(&text, core->boot, 8);
  return text;
}

static void send(lv06_core *core, lv06_text *text) {
  lv06_frame_end(text);
  core->hal->write(core->hal->context, text->bytes, text->length);
}

static void notify(lv06_core *core, const char *verb, const char *word) {
  lv06_text text = begin_reply(core, UNSOLICITED, verb);
  lv06_put(&text, " ");
  lv06_put(&text, word);
  send(core, &text);
}

static void refuse(request *r, const char *code, const char *why) {
  r->text = begin_reply(r->core, r->frame.seq, "ERR");
  lv06_put(&r->text, " ");
  lv06_put(&r->text, code);
  lv06_put(&r->text, " ");
  lv06_put(&r->text, why);
}

static void put_pair(lv06_text *text, const char *key, const char *value) {
  lv06_put(text, " ");
  lv06_put(text, key);
  lv06_put(text, "=");
  lv06_put(text, value);
}

static void put_number(lv06_text *text, const char *key, uint64_t value) {
  put_pair(text, key, "");
  lv06_put_unsigned(text, value);
}

/* HELLO: the highest version the host speaks, and a nonce that tells this handshake from an older one. */
static void hello(request *r) {
  lv06_span word, nonce;
  uint32_t version, value;
  lv06_text *text = &r->text;
  const lv06_hal *hal = r->core->hal;
  if (!lv06_next_arg(&r->frame.args, &word) || !lv06_next_arg(&r->frame.args, &nonce) || nonce.length != 8u ||
      !lv06_take_decimal(word.bytes, word.length, &version) || !lv06_take_hex(nonce.bytes, 8, &value)) {
    refuse(r, "ARGS", "HELLO takes a version and 8 hex digits of nonce");
    return;
  }
  if (version < LV06_PROTOCOL) {
    refuse(r, "VERSION", "this device speaks version 1");
    return;
  }
  for (size_t i = 0; i < LV06_CREDIT_LINES; i++) r->core->cache[i].length = 0;
  put_number(text, "proto", LV06_PROTOCOL);
  put_pair(text, "nonce", "");
  lv06_put_hex(text, value, 8);
  put_pair(text, "firmware", hal->firmware);
  put_pair(text, "device", hal->device);
  put_pair(text, "caps", "hash,health");
  put_number(text, "maxLine", LV06_LINE_MAX);
  put_number(text, "lines", LV06_CREDIT_LINES);
  put_number(text, "bytes", LV06_CREDIT_BYTES);
  put_number(text, "maxBlock", LV06_BLOCK_MAX);
  if (hal->simulated) put_pair(text, "simulated", "1");
}

static void ping(request *r) {
  if (r->frame.args.length > 0) refuse(r, "ARGS", "PING takes no argument");
}

/* Decodes in place, over the digits: the line buffer is the core's own, and the line is done with. */
static bool decode_block(uint8_t *digits, size_t length) {
  for (size_t i = 0; i < length; i += 2u) {
    uint32_t byte;
    if (!lv06_take_hex(digits + i, 2, &byte)) return false;
    digits[i / 2u] = (uint8_t)byte;
  }
  return true;
}

static void hash(request *r) {
  lv06_span digits;
  uint8_t digest[LV06_DIGEST_SIZE];
  if (!lv06_next_arg(&r->frame.args, &digits) || r->frame.args.length > 0) {
    refuse(r, "ARGS", "HASH takes one block in hex");
    return;
  }
  if (digits.length / 2u > LV06_BLOCK_MAX) {
    refuse(r, "LENGTH", "a block has 1 to 1024 bytes");
    return;
  }
  uint8_t *block = r->core->line + (size_t)(digits.bytes - r->core->line);
  if (digits.length % 2u != 0 || !decode_block(block, digits.length)) {
    refuse(r, "HEX", "a block is pairs of 0-9a-f");
    return;
  }
  if (!r->core->hal->sha256(r->core->hal->context, block, digits.length / 2u, digest)) {
    refuse(r, "DEVICE", "the SHA unit failed");
    return;
  }
  lv06_put(&r->text, " ");
  lv06_put_hex_bytes(&r->text, digest, sizeof digest);
}

static void health(request *r) {
  static const char *const names[LV06_SENSORS] = {
      "tempC",     "vrTempC",      "powerW",      "coreMv", "inputMv",
      "currentMa", "frequencyMhz", "hashrateGhs", "fanRpm", "freeHeapB",
  };
  const lv06_hal *hal = r->core->hal;
  lv06_readings readings;
  if (r->frame.args.length > 0) {
    refuse(r, "ARGS", "HEALTH takes no argument");
    return;
  }
  memset(&readings, 0, sizeof readings);
  hal->sensors(hal->context, &readings);
  for (size_t i = 0; i < LV06_SENSORS; i++) {
    if (!readings.known[i]) continue;
    put_pair(&r->text, names[i], "");
    lv06_put_milli(&r->text, readings.milli[i]);
  }
  put_number(&r->text, "uptimeS", hal->clock_ms(hal->context) / 1000u);
  if (readings.reset_reason != NULL) put_pair(&r->text, "resetReason", readings.reset_reason);
}

static void remember(const request *r) {
  lv06_cached *slot = &r->core->cache[r->frame.seq % LV06_CREDIT_LINES];
  slot->length = 0;
  if (r->text.length > sizeof slot->text) return;
  slot->seq = r->frame.seq;
  slot->crc = r->frame.crc;
  memcpy(slot->text, r->text.bytes, r->text.length);
  slot->length = (uint8_t)r->text.length;
}

/* A retry, same number and same checksum, gets the reply it missed, and nothing is done twice. */
static bool repeat(const lv06_core *core, const lv06_frame *frame) {
  const lv06_cached *slot = &core->cache[frame->seq % LV06_CREDIT_LINES];
  if (slot->length == 0 || slot->seq != frame->seq || slot->crc != frame->crc) return false;
  core->hal->write(core->hal->context, slot->text, slot->length);
  return true;
}

static void obey(request *r) {
  static const struct {
    const char *verb;
    void (*act)(request *);
  } commands[] = {{"HELLO", hello}, {"PING", ping}, {"HASH", hash}, {"HEALTH", health}};
  bool is_hello = lv06_span_is(r->frame.verb, "HELLO");
  if (!is_hello && repeat(r->core, &r->frame)) return;
  r->text = begin_reply(r->core, r->frame.seq, "OK");
  size_t i = 0;
  while (i < sizeof commands / sizeof commands[0] && !lv06_span_is(r->frame.verb, commands[i].verb)) i++;
  if (i < sizeof commands / sizeof commands[0]) {
    commands[i].act(r);
  } else {
    refuse(r, "VERB", "this device knows HELLO PING HASH HEALTH");
  }
  if (r->text.cut || r->text.length + LV06_FRAME_TAIL > LV06_REPLY_MAX) refuse(r, "DEVICE", "the reply is too long");
  send(r->core, &r->text);
  if (!is_hello) remember(r);
}

/* Frames a device sends, come back by an echo or a second device: an answer to them would never end. */
static bool is_reply(lv06_span verb) {
  return lv06_span_is(verb, "OK") || lv06_span_is(verb, "ERR") || lv06_span_is(verb, "NAK") ||
         lv06_span_is(verb, "BOOT");
}

static void greet(lv06_core *core) {
  lv06_text text = {core->reply, sizeof core->reply, 0, false};
  lv06_put(&text, "LV06 direct-hash device, protocol 1");
  if (core->hal->simulated) lv06_put(&text, ", simulated");
  lv06_put(&text, ". Requests are lines ~SEQ VERB ARGS CRC32: `lv06 device frame PING` makes one, SPEC.md explains them.\n");
  core->hal->write(core->hal->context, text.bytes, text.length);
}

static bool is_question(const lv06_core *core) {
  return core->line[0] == '?' && (core->length == 1u || (core->length == 2u && core->line[1] == '\r'));
}

static void reject(lv06_core *core, const char *reason) {
  core->discarded++;
  notify(core, "NAK", reason);
}

static void take_line(lv06_core *core) {
  request r = {core, {0, 0, {NULL, 0}, {NULL, 0}}, {NULL, 0, 0, false}};
  if (core->overlong) {
    if (core->line[0] == '~') reject(core, "LONG");
    return;
  }
  switch (lv06_frame_parse(core->line, core->length, &r.frame)) {
  case LV06_FRAME:
    if (is_reply(r.frame.verb)) return;
    if (r.frame.seq == UNSOLICITED) {
      reject(core, "SEQ");
      return;
    }
    core->frames++;
    obey(&r);
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
  lv06_readings readings;
  memset(core, 0, sizeof *core);
  memset(&readings, 0, sizeof readings);
  core->hal = hal;
  core->boot = hal->random(hal->context);
  hal->sensors(hal->context, &readings);
  notify(core, "BOOT", readings.reset_reason == NULL ? "unknown" : readings.reset_reason);
}

void lv06_feed(lv06_core *core, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] == '\n') {
      take_line(core);
      core->length = 0;
      core->overlong = false;
    } else if (core->length < LV06_LINE_MAX - 1u) {
      core->line[core->length++] = bytes[i];
    } else {
      core->overlong = true;
    }
  }
}
