/* Declarations as documented for ESP-IDF 5.5, for `make glue-check`. Not ESP-IDF, and good for nothing else. */
#pragma once
#include <stdint.h>

#include "esp_err.h"
esp_err_t esp_efuse_mac_get_default(uint8_t *mac);
