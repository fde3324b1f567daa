/* Double SHA-256 of one block header under many nonces, from its midstate. */
#ifndef LV06_MODEL_BM1366_SEARCH_H
#define LV06_MODEL_BM1366_SEARCH_H

#include <stdint.h>

enum { BM1366_LANES = 4 }; /* nonces hashed side by side */

typedef struct {
  uint32_t midstate[8]; /* after the header's first 64 bytes */
  uint32_t tail[3];     /* the words between them and the nonce */
} bm1366_search;

void bm1366_search_start(bm1366_search *search, const uint8_t header[80]);
/* The digests' words for four counters, as stored: words[7], bytes swapped, is the number's most significant word. */
void bm1366_search_hash(const bm1366_search *search, const uint32_t counters[BM1366_LANES],
                        uint32_t words[8][BM1366_LANES]);

#endif
