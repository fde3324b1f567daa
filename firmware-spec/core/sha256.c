#include "sha256.h"

#include "bytes.h"
#include "mem.h"

const uint32_t lv06_sha256_rounds[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u,
};
const uint32_t lv06_sha256_initial[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                                         0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};

static uint32_t rotate(uint32_t x, unsigned n) { return (x >> n) | (x << (32u - n)); }

static void schedule(uint32_t w[64], const uint8_t *chunk) {
  for (size_t i = 0; i < 16; i++) w[i] = lv06_load_be(chunk + 4u * i);
  for (unsigned i = 16; i < 64; i++) {
    uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
}

static void compress(uint32_t state[8], const uint8_t *chunk) {
  uint32_t w[64], s[8];
  schedule(w, chunk);
  memcpy(s, state, sizeof s);
  for (unsigned i = 0; i < 64; i++) {
    uint32_t e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
    uint32_t choose = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t t1 = s[7] + e + choose + lv06_sha256_rounds[i] + w[i];
    uint32_t a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    for (unsigned j = 7; j > 0; j--) s[j] = s[j - 1];
    s[4] += t1;
    s[0] = t1 + a + majority;
  }
  for (unsigned i = 0; i < 8; i++) state[i] += s[i];
}

void lv06_sha256_start(lv06_sha256_stream *stream) {
  memcpy(stream->state, lv06_sha256_initial, sizeof lv06_sha256_initial);
  stream->length = 0;
}

void lv06_sha256_add(lv06_sha256_stream *stream, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    size_t used = (size_t)(stream->length % 64u), part = 64u - used;
    if (part > length) part = length;
    if (part == 64u) {
      compress(stream->state, bytes);
    } else {
      memcpy(stream->block + used, bytes, part);
      if (used + part == 64u) compress(stream->state, stream->block);
    }
    stream->length += part;
    bytes += part;
    length -= part;
  }
}

void lv06_sha256_end(lv06_sha256_stream *stream, uint8_t digest[32]) {
  uint64_t bits = stream->length * 8u;
  size_t used = (size_t)(stream->length % 64u);
  stream->block[used++] = 0x80u;
  if (used > 56u) {
    memset(stream->block + used, 0, 64u - used);
    compress(stream->state, stream->block);
    used = 0;
  }
  memset(stream->block + used, 0, 56u - used);
  lv06_store_be(stream->block + 56, (uint32_t)(bits >> 32));
  lv06_store_be(stream->block + 60, (uint32_t)bits);
  compress(stream->state, stream->block);
  for (size_t i = 0; i < 8; i++) lv06_store_be(digest + 4u * i, stream->state[i]);
}

void lv06_sha256(const uint8_t *bytes, size_t length, uint8_t digest[32]) {
  lv06_sha256_stream stream;
  lv06_sha256_start(&stream);
  lv06_sha256_add(&stream, bytes, length);
  lv06_sha256_end(&stream, digest);
}
