/* What the commands share: the request at hand, its arguments, its reply. */
#ifndef LV06_REQUEST_H
#define LV06_REQUEST_H

#include "frame.h"
#include "lv06.h"
#include "text.h"

typedef struct lv06_request {
  lv06_core *core;
  lv06_frame frame; /* `args`: those that were not taken yet */
  lv06_text text;   /* the reply in the making */
  bool refused;     /* it is an error */
  void (*after)(struct lv06_request *); /* called once the reply is written; or NULL */
  uint32_t value, first; /* what `after` or a digest source has to know */
} lv06_request;

/* A reply or notice up to the boot id. There is one at a time: it lies in `core->reply`. */
lv06_text lv06_reply_begin(lv06_core *core, uint16_t seq, const char *verb);
void lv06_reply_send(lv06_core *core, lv06_text *text);

/* Turns the reply into an error. `words` are for people; NULL: the caller adds the word that SPEC 4.3 asks for. */
void lv06_refuse(lv06_request *r, const char *code, const char *words);

void lv06_put_pair(lv06_text *text, const char *key, const char *value);
void lv06_put_number(lv06_text *text, const char *key, uint64_t value);
void lv06_put_counter(lv06_text *text, const char *key, uint64_t value); /* stays at 999999999 */
void lv06_put_digest(lv06_text *text, const uint8_t digest[LV06_DIGEST_SIZE]);

/* Each takes one word off the arguments. False when there is none, or not of this shape. */
bool lv06_take_word(lv06_request *r, lv06_span *word);
bool lv06_take_sized(lv06_request *r, lv06_span *word, size_t length);
bool lv06_take_number(lv06_request *r, unsigned digits, uint32_t *value);
bool lv06_take_id(lv06_request *r, uint32_t *id); /* eight HEX */
/* No words are left; nor is there a payload. */
bool lv06_no_words(const lv06_request *r);
bool lv06_no_more(const lv06_request *r);

/* Makes the reply's payload of the digests that `source` gives for 0 … count − 1; refuses where it must. */
typedef bool lv06_digest_source(lv06_request *r, size_t index, uint8_t digest[LV06_DIGEST_SIZE]);
void lv06_put_digests(lv06_request *r, size_t count, lv06_digest_source *source);

#endif
