#include "hmac.h"

#include "mem.h"
#include "sha256.h"

static void start(lv06_sha256_stream *stream, const uint8_t *key, size_t key_length, uint8_t pad) {
  uint8_t block[64];
  memset(block, pad, sizeof block);
  for (size_t i = 0; i < key_length; i++) block[i] ^= key[i];
  lv06_sha256_start(stream);
  lv06_sha256_add(stream, block, sizeof block);
}

void lv06_hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *message, size_t length, uint8_t mac[32]) {
  lv06_sha256_stream stream;
  uint8_t inner[32];
  start(&stream, key, key_length, 0x36u);
  lv06_sha256_add(&stream, message, length);
  lv06_sha256_end(&stream, inner);
  start(&stream, key, key_length, 0x5cu);
  lv06_sha256_add(&stream, inner, sizeof inner);
  lv06_sha256_end(&stream, mac);
}
