/*
 * The line on the native USB-Serial-JTAG port. Not compiled against ESP-IDF, and not run on hardware, yet.
 * Functions: driver/usb_serial_jtag.h (component esp_driver_usb_serial_jtag, ESP-IDF 5.5).
 */
#include "sdkconfig.h"

#ifdef CONFIG_LV06_LINE_USB

#include <stdbool.h>

#include "driver/usb_serial_jtag.h"
#include "freertos/task.h"
#include "../../core/lv06.h"
#include "transport.h"

/* USB itself makes the host wait when the ring is full, but the driver's interrupt drops what does not fit. */
_Static_assert(CONFIG_LV06_RX_BUFFER >= LV06_CREDIT_BYTES, "the receive buffer is smaller than the credits in HELLO");
_Static_assert(CONFIG_LV06_TX_BUFFER >= LV06_LINE_MAX, "the driver takes a line whole or not at all");

enum { PATIENCE_MS = 50, FLUSH_MS = 40 };

static bool deaf; /* nobody read the last line: do not wait for each of the next ones */

static size_t line_read(uint8_t *bytes, size_t capacity, uint32_t wait_ms) {
  int length = usb_serial_jtag_read_bytes(bytes, (uint32_t)capacity, lv06_ticks(wait_ms));
  return length > 0 ? (size_t)length : 0;
}

static void line_write(const uint8_t *bytes, size_t length) {
  deaf = usb_serial_jtag_write_bytes(bytes, length, lv06_ticks(deaf ? 0 : PATIENCE_MS)) <= 0;
}

/* The driver's interrupt sends on by itself; a full ring takes about 20 ms at full speed. */
static void line_drain(void) { vTaskDelay(lv06_ticks(FLUSH_MS)); }

const lv06_transport lv06_line = {line_read, line_write, line_drain, NULL};

esp_err_t lv06_line_open(void) {
  usb_serial_jtag_driver_config_t config = {
      .tx_buffer_size = CONFIG_LV06_TX_BUFFER,
      .rx_buffer_size = CONFIG_LV06_RX_BUFFER,
  };
  return usb_serial_jtag_driver_install(&config);
}

#endif
