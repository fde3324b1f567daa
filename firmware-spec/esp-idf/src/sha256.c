/*
 * SHA-256 in the SHA peripheral. Not compiled against ESP-IDF, and not run on hardware, yet.
 * Functions: mbedtls/sha256.h in ESP-IDF 5 (CONFIG_MBEDTLS_HARDWARE_SHA, on by default); psa/crypto.h in ESP-IDF 6, where Mbed
 * TLS 4 leaves only PSA. Both run on the peripheral, take its lock, and wait for other users of it (TLS).
 */
#include "esp_idf_version.h"
#include "parts.h"

#if ESP_IDF_VERSION_MAJOR >= 6

#include "psa/crypto.h"

esp_err_t lv06_sha_open(void) { return psa_crypto_init() == PSA_SUCCESS ? ESP_OK : ESP_FAIL; }

bool lv06_sha_unit(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  size_t made = 0;
  (void)context;
  return psa_hash_compute(PSA_ALG_SHA_256, bytes, length, digest, LV06_DIGEST_SIZE, &made) == PSA_SUCCESS &&
         made == LV06_DIGEST_SIZE;
}

#else

#include "mbedtls/sha256.h"

esp_err_t lv06_sha_open(void) { return ESP_OK; }

bool lv06_sha_unit(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  (void)context;
  return mbedtls_sha256(bytes, length, digest, 0) == 0;
}

#endif
