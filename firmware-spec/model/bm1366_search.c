#include "bm1366_search.h"

#include "../core/bytes.h"
#include "../core/mem.h"
#include "../core/sha256.h"

/* Four words at once: GCC and clang turn this into whatever vectors the processor has. */
typedef uint32_t lanes __attribute__((vector_size(16)));

static inline lanes all(uint32_t x) { return (lanes){x, x, x, x}; }

static inline lanes rotate(lanes x, unsigned n) { return (x >> n) | (x << (32u - n)); }

/* One round; its caller turns the names instead of the values. */
static inline void turn(lanes a, lanes b, lanes c, lanes *d, lanes e, lanes f, lanes g, lanes *h, lanes kw) {
  lanes t1 = *h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (((f ^ g) & e) ^ g) + kw;
  *d += t1;
  *h = t1 + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));
}

/* Written out: a loop over turning indices keeps the state out of the processor's registers. */
static inline void eight(lanes s[8], const lanes *w, const uint32_t *k) {
  lanes a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
  turn(a, b, c, &d, e, f, g, &h, w[0] + all(k[0]));
  turn(h, a, b, &c, d, e, f, &g, w[1] + all(k[1]));
  turn(g, h, a, &b, c, d, e, &f, w[2] + all(k[2]));
  turn(f, g, h, &a, b, c, d, &e, w[3] + all(k[3]));
  turn(e, f, g, &h, a, b, c, &d, w[4] + all(k[4]));
  turn(d, e, f, &g, h, a, b, &c, w[5] + all(k[5]));
  turn(c, d, e, &f, g, h, a, &b, w[6] + all(k[6]));
  turn(b, c, d, &e, f, g, h, &a, w[7] + all(k[7]));
  memcpy(s, (const lanes[8]){a, b, c, d, e, f, g, h}, 8 * sizeof s[0]);
}

static void compress(lanes state[8], lanes w[16]) {
  const uint32_t *k = lv06_sha256_rounds;
  lanes s[8];
  memcpy(s, state, sizeof s);
  eight(s, w, k);
  eight(s, w + 8, k + 8);
  for (k += 16; k < lv06_sha256_rounds + 64; k += 16) {
    for (unsigned i = 0; i < 16; i++) {
      lanes x = w[(i + 1) % 16], y = w[(i + 14) % 16];
      w[i] += w[(i + 9) % 16] + (rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3)) + (rotate(y, 17) ^ rotate(y, 19) ^ (y >> 10));
    }
    eight(s, w, k);
    eight(s, w + 8, k + 8);
  }
  for (unsigned i = 0; i < 8; i++) state[i] += s[i];
}

void bm1366_search_start(bm1366_search *search, const uint8_t header[80]) {
  lanes state[8], w[16];
  for (unsigned i = 0; i < 8; i++) state[i] = all(lv06_sha256_initial[i]);
  for (unsigned i = 0; i < 16; i++) w[i] = all(lv06_load_be(header + 4u * i));
  compress(state, w);
  for (unsigned i = 0; i < 8; i++) search->midstate[i] = state[i][0];
  for (unsigned i = 0; i < 3; i++) search->tail[i] = lv06_load_be(header + 64u + 4u * i);
}

/* The end of a message of `bits` bits, after the word at `at`. */
static void pad(lanes w[16], unsigned at, uint32_t bits) {
  w[at] = all(0x80000000u);
  for (unsigned i = at + 1; i < 15; i++) w[i] = all(0);
  w[15] = all(bits);
}

void bm1366_search_hash(const bm1366_search *search, const uint32_t counters[BM1366_LANES],
                        uint32_t words[8][BM1366_LANES]) {
  lanes first[8], second[8], w[16];
  for (unsigned i = 0; i < 8; i++) first[i] = all(search->midstate[i]);
  for (unsigned i = 0; i < 3; i++) w[i] = all(search->tail[i]);
  memcpy(&w[3], counters, sizeof w[3]);
  pad(w, 4, 80 * 8);
  compress(first, w);
  for (unsigned i = 0; i < 8; i++) second[i] = all(lv06_sha256_initial[i]);
  memcpy(w, first, sizeof first);
  pad(w, 8, 32 * 8);
  compress(second, w);
  memcpy(words, second, sizeof second);
}
