#ifndef LV06_HMAC_H
#define LV06_HMAC_H

#include <stddef.h>
#include <stdint.h>

/* HMAC-SHA-256 (RFC 2104) in software, for models and boards without an HMAC unit. `key_length`: at most 64. */
void lv06_hmac_sha256(const uint8_t *key, size_t key_length, const uint8_t *message, size_t length, uint8_t mac[32]);

#endif
