#ifndef LV06_SHA256_H
#define LV06_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* SHA-256 (FIPS 180-4) in software, for builds without a SHA unit. `digest` may not overlap `bytes`. */
void lv06_sha256(const uint8_t *bytes, size_t length, uint8_t digest[32]);

#endif
