/*
 * Clock, chance, log, identity and memory of an ESP32-S3. Not compiled against ESP-IDF, and not run on hardware, yet.
 * Functions: esp_timer.h, esp_random.h, esp_log.h, esp_system.h, esp_mac.h, esp_heap_caps.h (ESP-IDF 5.5).
 */
#include "esp_heap_caps.h"
#include "esp_log.h"
#include "esp_mac.h"
#include "esp_random.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "parts.h"

uint64_t lv06_chip_clock_ms(void *context) {
  (void)context;
  return (uint64_t)esp_timer_get_time() / 1000u;
}

uint32_t lv06_chip_random(void *context) {
  (void)context;
  return esp_random();
}

void lv06_chip_log_level(unsigned level) {
  esp_log_level_set("*", level > ESP_LOG_VERBOSE ? ESP_LOG_VERBOSE : (esp_log_level_t)level);
}

const char *lv06_chip_reset_reason(void) {
  switch (esp_reset_reason()) {
  case ESP_RST_POWERON: return "power-on";
  case ESP_RST_BROWNOUT:
  case ESP_RST_PWR_GLITCH: return "brownout";
  case ESP_RST_INT_WDT:
  case ESP_RST_TASK_WDT:
  case ESP_RST_WDT: return "watchdog";
  case ESP_RST_PANIC:
  case ESP_RST_CPU_LOCKUP: return "panic";
  case ESP_RST_SW: return "software";
  case ESP_RST_USB: return "usb";
  default: return "unknown";
  }
}

void lv06_chip_device_id(char id[PARTS_DEVICE_ID]) {
  static const char digits[] = "0123456789abcdef";
  uint8_t mac[8] = {0};
  size_t at = 0;
  (void)esp_efuse_mac_get_default(mac);
  for (const char *head = "esp32s3-"; *head != '\0'; head++) id[at++] = *head;
  for (size_t i = 0; i < 6; i++) {
    id[at++] = digits[mac[i] >> 4];
    id[at++] = digits[mac[i] & 15];
  }
  id[at] = '\0';
}

uint8_t *lv06_chip_raster(size_t most, size_t least, size_t *size) {
  uint8_t *raster = heap_caps_malloc(most, MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT);
  *size = most;
  if (raster != NULL) return raster;
  raster = heap_caps_malloc(least, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
  *size = raster != NULL ? least : 0;
  return raster;
}
