/*
 * The line to the host. One of transport_uart.c and transport_usb.c is built, as menuconfig says.
 * Not compiled against ESP-IDF, and not run on hardware, yet.
 */
#ifndef LV06_TRANSPORT_H
#define LV06_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include "esp_err.h"
#include "freertos/FreeRTOS.h"

enum { TRANSPORT_DRAIN_MS = 500 }; /* longest wait for what was written: 4 KiB at 115,200 baud take 360 ms */

typedef struct {
  /* Bytes that have arrived, at most `capacity`; waits up to `wait_ms` for the first. */
  size_t (*read)(uint8_t *bytes, size_t capacity, uint32_t wait_ms);
  void (*write)(const uint8_t *bytes, size_t length);
  void (*drain)(void);               /* waits until all that was written has left */
  /* Waits as `drain`, changes the rate and drops what was received before. NULL where the rate means nothing. */
  void (*set_rate)(uint32_t baud);
} lv06_transport;

extern const lv06_transport lv06_line;
esp_err_t lv06_line_open(void);

/* At least one tick for any wait but 0: a wait rounded to 0 would make the task spin. FreeRTOS projdefs.h: pdMS_TO_TICKS. */
static inline TickType_t lv06_ticks(uint32_t ms) {
  TickType_t ticks = pdMS_TO_TICKS(ms);
  return ticks == 0 && ms > 0 ? 1 : ticks;
}

#endif
