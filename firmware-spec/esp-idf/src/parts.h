/*
 * The hardware functions of lv06_hal on an ESP32-S3. None of them uses `context`.
 * Not compiled against ESP-IDF, and not run on hardware, yet.
 */
#ifndef LV06_PARTS_H
#define LV06_PARTS_H

#include "esp_err.h"
#include "../../core/lv06.h"

enum { PARTS_DEVICE_ID = 24 };

/* sha256.c: the SHA peripheral. */
esp_err_t lv06_sha_open(void);
bool lv06_sha_unit(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]);

/* rom_inflate.c: the ROM's tinfl, or the core's own where menuconfig says so. */
esp_err_t lv06_inflate_open(void);
size_t lv06_inflate_unit(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity);

/* efuse_hmac.c: the HMAC unit. `provisioned` is false where the slot holds no key of the right purpose. */
bool lv06_hmac_provisioned(void);
bool lv06_hmac_unit(void *context, const uint8_t *message, size_t length, uint8_t mac[LV06_DIGEST_SIZE]);

/* chip.c */
uint64_t lv06_chip_clock_ms(void *context);
uint32_t lv06_chip_random(void *context);
void lv06_chip_log_level(unsigned level);
const char *lv06_chip_reset_reason(void);
void lv06_chip_device_id(char id[PARTS_DEVICE_ID]);
/* Memory for an image's pixels: PSRAM if there is some, else `least` bytes of internal memory, else NULL. */
uint8_t *lv06_chip_raster(size_t most, size_t least, size_t *size);

#endif
