/* Declarations as documented for ESP-IDF 5.5, for `make glue-check`. Not ESP-IDF, and good for nothing else. */
#pragma once
#include <stdbool.h>
typedef enum { EFUSE_BLK_KEY0 = 4, EFUSE_BLK_KEY5 = 9, EFUSE_BLK_KEY_MAX = 10 } esp_efuse_block_t;
typedef enum { ESP_EFUSE_KEY_PURPOSE_USER = 0, ESP_EFUSE_KEY_PURPOSE_HMAC_UP = 8 } esp_efuse_purpose_t;
esp_efuse_purpose_t esp_efuse_get_key_purpose(esp_efuse_block_t block);
bool esp_efuse_get_key_dis_read(esp_efuse_block_t block);
