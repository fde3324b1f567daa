/*
 * HMAC-SHA-256 under an eFuse key that software cannot read. Not compiled against ESP-IDF, and not run on hardware, yet.
 * Functions: esp_hmac.h (component esp_security), esp_efuse.h and esp_efuse_chip.h (component efuse), ESP-IDF 5.5.
 */
#include "parts.h"
#include "sdkconfig.h"

#ifdef CONFIG_LV06_HMAC

#include "esp_efuse.h"
#include "esp_hmac.h"

#define BLOCK ((esp_efuse_block_t)((int)EFUSE_BLK_KEY0 + CONFIG_LV06_HMAC_SLOT))
#define KEY ((hmac_key_id_t)((int)HMAC_KEY0 + CONFIG_LV06_HMAC_SLOT))

/* A key that software can read attests nothing. */
bool lv06_hmac_provisioned(void) {
  return esp_efuse_get_key_purpose(BLOCK) == ESP_EFUSE_KEY_PURPOSE_HMAC_UP && esp_efuse_get_key_dis_read(BLOCK);
}

bool lv06_hmac_unit(void *context, const uint8_t *message, size_t length, uint8_t mac[LV06_DIGEST_SIZE]) {
  (void)context;
  return esp_hmac_calculate(KEY, message, length, mac) == ESP_OK;
}

#else

bool lv06_hmac_provisioned(void) { return false; }

bool lv06_hmac_unit(void *context, const uint8_t *message, size_t length, uint8_t mac[LV06_DIGEST_SIZE]) {
  (void)context, (void)message, (void)length, (void)mac;
  return false;
}

#endif
