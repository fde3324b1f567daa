#include "request.h"

#include "cobs.h"

#define COUNTER_MAX 999999999u

lv06_text lv06_reply_begin(lv06_core *core, uint16_t seq, const char *verb) {
  lv06_text text = {core->reply, core->reply_max - LV06_FRAME_TAIL, 0, false};
  lv06_frame_begin(&text, seq);
  lv06_put(&text, " ");
  lv06_put(&text, verb);
  lv06_put(&text, " ");
  lv06_put_hex(&text, core->boot, 8);
  return text;
}

void lv06_reply_send(lv06_core *core, lv06_text *text) {
  text->size += LV06_FRAME_TAIL;
  lv06_frame_end(text);
  core->hal->write(core->hal->context, text->bytes, text->length);
}

void lv06_refuse(lv06_request *r, const char *code, const char *words) {
  r->refused = true;
  r->after = NULL;
  r->text = lv06_reply_begin(r->core, r->frame.seq, "ERR");
  lv06_put(&r->text, " ");
  lv06_put(&r->text, code);
  if (words == NULL) return;
  lv06_put(&r->text, " ");
  lv06_put(&r->text, words);
}

void lv06_put_pair(lv06_text *text, const char *key, const char *value) {
  lv06_put(text, " ");
  lv06_put(text, key);
  lv06_put(text, "=");
  lv06_put(text, value);
}

void lv06_put_number(lv06_text *text, const char *key, uint64_t value) {
  lv06_put_pair(text, key, "");
  lv06_put_unsigned(text, value);
}

void lv06_put_counter(lv06_text *text, const char *key, uint64_t value) {
  lv06_put_number(text, key, value < COUNTER_MAX ? value : COUNTER_MAX);
}

void lv06_put_digest(lv06_text *text, const uint8_t digest[LV06_DIGEST_SIZE]) {
  lv06_put(text, " ");
  lv06_put_hex_bytes(text, digest, LV06_DIGEST_SIZE);
}

bool lv06_take_word(lv06_request *r, lv06_span *word) { return lv06_next_arg(&r->frame.args, word); }

bool lv06_take_sized(lv06_request *r, lv06_span *word, size_t length) {
  return lv06_take_word(r, word) && word->length == length;
}

bool lv06_take_number(lv06_request *r, unsigned digits, uint32_t *value) {
  lv06_span word;
  return lv06_take_word(r, &word) && lv06_take_decimal(word.bytes, word.length, digits, value);
}

bool lv06_take_id(lv06_request *r, uint32_t *id) {
  lv06_span word;
  return lv06_take_sized(r, &word, 8) && lv06_take_hex(word.bytes, 8, id);
}

bool lv06_no_words(const lv06_request *r) { return r->frame.args.length == 0; }

bool lv06_no_more(const lv06_request *r) { return lv06_no_words(r) && r->frame.payload.length == 0; }

#if !LV06_MINIMAL

/* SPEC 3.1 counts it so, that a host can tell what fits. */
static bool fits(const lv06_core *core, size_t count) {
  size_t n = count * LV06_DIGEST_SIZE;
  return n <= core->reply_max && 29u + n + (n + 253u) / 254u <= core->reply_max;
}

void lv06_put_digests(lv06_request *r, size_t count, lv06_digest_source *source) {
  uint8_t digest[LV06_DIGEST_SIZE];
  if (!fits(r->core, count)) {
    lv06_refuse(r, "LENGTH", "the reply would be longer than a line; ask for less");
    return;
  }
  lv06_put(&r->text, " :");
  lv06_cobs cobs = lv06_cobs_begin(&r->text);
  for (size_t i = 0; i < count; i++) {
    if (!source(r, i, digest)) {
      lv06_refuse(r, "DEVICE", "the SHA unit failed");
      return;
    }
    lv06_cobs_add(&cobs, digest, sizeof digest);
  }
  lv06_cobs_end(&cobs);
}

#endif
