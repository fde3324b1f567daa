/*
 * What a line is, and whether an answer is one, read from SPEC.md and from nothing in core/: the judge must not share the
 * core's mistakes. CRC-32 and inflate are zlib's.
 */
#ifndef LV06_ORACLE_H
#define LV06_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_WORDS 1200 /* more than a line can hold */
#define ORACLE_LINE 65536

typedef enum {
  LINE_LOG,
  LINE_ASK, /* a lone question mark */
  LINE_FRAME,
  LINE_LONG,
  LINE_BYTES,
  LINE_FORM,
  LINE_CRC
} line_kind;

typedef struct {
  const uint8_t *bytes;
  size_t length;
} part;

typedef struct {
  unsigned seq;
  part verb, words[ORACLE_WORDS];
  size_t count;           /* words, those beyond ORACLE_WORDS left out */
  bool payload;
  size_t payload_length;
  uint8_t data[ORACLE_LINE]; /* the payload, decoded */
} oracle_frame;

/* `line` without its line feed; `limit` counts it (SPEC 3.1). Fills `frame` if it is one. */
line_kind oracle_read(const uint8_t *line, size_t length, size_t limit, oracle_frame *frame);

/* The name that a NAK gives this kind of damage, or NULL. */
const char *oracle_reason(line_kind kind);

bool part_is(part p, const char *string);
/* Lowercase hexadecimal of this length. */
bool part_is_hex(part p, size_t length);
bool part_bytes(part p, uint8_t *bytes, size_t size);
/* A decimal number without leading zeros, at most `digits` long. */
bool part_number(part p, size_t digits, uint64_t *value);

/* COBS as SPEC 3.4 writes it out, into a buffer of n + n / 254 + 1. */
size_t oracle_encode(const uint8_t *data, size_t length, uint8_t *out);
bool oracle_decode(const uint8_t *bytes, size_t length, uint8_t *data, size_t *made);

/* Raw deflate with nothing after it; false where it is damaged, or makes more than `capacity`. */
bool oracle_inflate(const uint8_t *in, size_t length, uint8_t *out, size_t capacity, size_t *made);
/* PNG's filters off `count` rows of 1 + `width` bytes, zeros above the first. */
bool oracle_unfilter(uint8_t *rows, size_t width, size_t count);

/* Stops the fuzzer with the sentence that was broken. */
#define DEMAND(condition, sentence) ((condition) ? (void)0 : oracle_broken(__FILE__, __LINE__, sentence))
_Noreturn void oracle_broken(const char *file, int line, const char *sentence);

#endif
