/*
 * One BM1366 on a UART, for a board whose firmware does not mine. See ../README.md, "Bare board".
 * Not compiled against ESP-IDF, and not run on hardware, yet.
 */
#ifndef LV06_BM1366_H
#define LV06_BM1366_H

#include "driver/uart.h"
#include "esp_err.h"
#include "lv06_esp.h"

/*
 * The chip must be powered, out of reset, addressed and at its clock: voltage, temperature limits and the frequency ramp are
 * the board's business, not this file's. `hashrate_ghs` is MHz × 0.894.
 */
typedef struct {
  uart_port_t port; /* installed and at the chip's rate */
  float hashrate_ghs;
} lv06_bm1366_config;

/* Puts the four functions into `board`. ESP_ERR_NO_MEM, or ESP_OK. */
esp_err_t lv06_bm1366_attach(const lv06_bm1366_config *config, lv06_board *board);

#endif
