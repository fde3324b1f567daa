#include "bm1366_search.h"

#include "../core/mem.h"

/* Four words at once: GCC and clang turn this into whatever vectors the processor has. */
typedef uint32_t lanes __attribute__((vector_size(16)));

static const uint32_t round_constants[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u,
};
static const uint32_t initial[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                    0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};

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
  const uint32_t *k = round_constants;
  lanes s[8];
  memcpy(s, state, sizeof s);
  eight(s, w, k);
  eight(s, w + 8, k + 8);
  for (k += 16; k < round_constants + 64; k += 16) {
    for (unsigned i = 0; i < 16; i++) {
      lanes x = w[(i + 1) % 16], y = w[(i + 14) % 16];
      w[i] += w[(i + 9) % 16] + (rotate(x, 7) ^ rotate(x, 18) ^ (x >> 3)) + (rotate(y, 17) ^ rotate(y, 19) ^ (y >> 10));
    }
    eight(s, w, k);
    eight(s, w + 8, k + 8);
  }
  for (unsigned i = 0; i < 8; i++) state[i] += s[i];
}

static uint32_t load(const uint8_t *p) {
  return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

void bm1366_search_start(bm1366_search *search, const uint8_t header[80]) {
  lanes state[8], w[16];
  for (unsigned i = 0; i < 8; i++) state[i] = all(initial[i]);
  for (unsigned i = 0; i < 16; i++) w[i] = all(load(header + 4u * i));
  compress(state, w);
  for (unsigned i = 0; i < 8; i++) search->midstate[i] = state[i][0];
  for (unsigned i = 0; i < 3; i++) search->tail[i] = load(header + 64u + 4u * i);
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
  for (unsigned i = 0; i < 8; i++) second[i] = all(initial[i]);
  memcpy(w, first, sizeof first);
  pad(w, 8, 32 * 8);
  compress(second, w);
  memcpy(words, second, sizeof second);
}
