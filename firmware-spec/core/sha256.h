#ifndef LV06_SHA256_H
#define LV06_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* Of FIPS 180-4: the constants of the rounds, and the state at the start. */
extern const uint32_t lv06_sha256_rounds[64];
extern const uint32_t lv06_sha256_initial[8];

/* SHA-256 (FIPS 180-4) in software, for builds without a SHA unit. */
typedef struct {
  uint32_t state[8];
  uint64_t length;   /* bytes so far */
  uint8_t block[64]; /* those of them that do not fill a block yet */
} lv06_sha256_stream;

void lv06_sha256_start(lv06_sha256_stream *stream);
void lv06_sha256_add(lv06_sha256_stream *stream, const uint8_t *bytes, size_t length);
void lv06_sha256_end(lv06_sha256_stream *stream, uint8_t digest[32]);

/* All at once. */
void lv06_sha256(const uint8_t *bytes, size_t length, uint8_t digest[32]);

#endif
