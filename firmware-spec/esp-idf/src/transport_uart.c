/*
 * The line on a UART. Not compiled against ESP-IDF, and not run on hardware, yet.
 * Functions: driver/uart.h, driver/uart_vfs.h (component esp_driver_uart, ESP-IDF 5.5).
 */
#include "sdkconfig.h"

#ifdef CONFIG_LV06_LINE_UART

#include "driver/uart.h"
#include "driver/uart_vfs.h"
#include "../../core/lv06.h"
#include "transport.h"

#define PORT ((uart_port_t)CONFIG_LV06_UART_PORT)

/* The hardware FIFO holds 128 bytes, 1.4 ms at 921,600 baud: the driver's ring takes in all that the credits allow. */
_Static_assert(CONFIG_LV06_RX_BUFFER >= LV06_CREDIT_BYTES, "the receive buffer is smaller than the credits in HELLO");

/* uart_read_bytes waits until the buffer is full, so: one byte, then what is there. */
static size_t line_read(uint8_t *bytes, size_t capacity, uint32_t wait_ms) {
  size_t ready = 0;
  if (uart_read_bytes(PORT, bytes, 1, lv06_ticks(wait_ms)) != 1) return 0;
  if (uart_get_buffered_data_len(PORT, &ready) != ESP_OK || ready == 0) return 1;
  if (ready > capacity - 1) ready = capacity - 1;
  int more = uart_read_bytes(PORT, bytes + 1, (uint32_t)ready, 0);
  return more > 0 ? 1 + (size_t)more : 1;
}

static void line_write(const uint8_t *bytes, size_t length) { (void)uart_write_bytes(PORT, bytes, length); }

static void line_drain(void) { (void)uart_wait_tx_done(PORT, lv06_ticks(TRANSPORT_DRAIN_MS)); }

static void line_set_rate(uint32_t baud) {
  line_drain();
  (void)uart_set_baudrate(PORT, baud);
  (void)uart_flush_input(PORT);
}

const lv06_transport lv06_line = {line_read, line_write, line_drain, line_set_rate};

esp_err_t lv06_line_open(void) {
  const uart_config_t config = {
      .baud_rate = 115200,
      .data_bits = UART_DATA_8_BITS,
      .parity = UART_PARITY_DISABLE,
      .stop_bits = UART_STOP_BITS_1,
      .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
      .source_clk = UART_SCLK_DEFAULT,
  };
  esp_err_t error = uart_driver_install(PORT, CONFIG_LV06_RX_BUFFER, CONFIG_LV06_TX_BUFFER, 0, NULL, 0);
  if (error == ESP_OK) error = uart_param_config(PORT, &config);
  if (error == ESP_OK) {
    error = uart_set_pin(PORT, CONFIG_LV06_UART_TX, CONFIG_LV06_UART_RX, UART_PIN_NO_CHANGE, UART_PIN_NO_CHANGE);
  }
#if defined(CONFIG_ESP_CONSOLE_UART_NUM) && CONFIG_ESP_CONSOLE_UART_NUM == CONFIG_LV06_UART_PORT
  /* Else the console writes straight into the FIFO, into the middle of a reply. */
  if (error == ESP_OK) uart_vfs_dev_use_driver(CONFIG_LV06_UART_PORT);
#endif
  return error;
}

#endif
