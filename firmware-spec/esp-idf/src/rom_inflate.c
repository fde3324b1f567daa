/*
 * Raw deflate in the ROM's tinfl, miniz 1.15. Not compiled against ESP-IDF, and not run on hardware, yet.
 * Functions: miniz.h (component esp_rom), at fixed addresses of esp32s3.rom.ld.
 *
 * tinfl_decompress_mem_to_mem would put the decompressor, about 11 KiB, on the task's stack; it is allocated once instead.
 */
#include "parts.h"
#include "sdkconfig.h"

#ifdef CONFIG_LV06_INFLATE_ROM

#include "esp_heap_caps.h"
#include "miniz.h"

static tinfl_decompressor *unit;

esp_err_t lv06_inflate_open(void) {
  if (unit == NULL) unit = heap_caps_malloc(sizeof *unit, MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT);
  return unit != NULL ? ESP_OK : ESP_ERR_NO_MEM;
}

size_t lv06_inflate_unit(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity) {
  size_t taken = length, made = capacity;
  (void)context;
  tinfl_init(unit);
  tinfl_status status =
      tinfl_decompress(unit, in, &taken, out, out, &made, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF);
  /* This tinfl reads ahead and keeps the bytes: eight unused bits are a byte that follows the stream. */
  bool ended = status == TINFL_STATUS_DONE && taken == length && unit->m_num_bits < 8;
  return ended ? made : 0;
}

#else

#include "../../core/inflate.h"

esp_err_t lv06_inflate_open(void) { return ESP_OK; }

size_t lv06_inflate_unit(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity) {
  (void)context;
  return lv06_inflate(in, length, out, capacity);
}

#endif
