/*
 * The LV06 device core as a task of an ESP32-S3 firmware. See ../README.md.
 * Not compiled against ESP-IDF, and not run on hardware, yet.
 */
#ifndef LV06_ESP_H
#define LV06_ESP_H

#include "esp_err.h"
#include "../../core/lv06.h"

/*
 * What only the firmware around the core can do: it alone knows the board's sensors, and whether its own mining may be
 * interrupted. Every function gets `context` and is called from the LV06 task alone; none may block for more than about
 * 50 ms. The contracts are those of the same names in lv06.h.
 */
typedef struct {
  void *context;
  const char *firmware; /* name/version without spaces, at most 64 characters; or NULL */
  /* Fills in what the board measures; free heap and reset reason are added. Or NULL. */
  void (*sensors)(void *context, lv06_readings *readings);
  /* The ASIC, or four NULLs. lv06_lease.h fills these where miner tasks own it, lv06_bm1366.h on a bare board. */
  bool (*work_start)(void *context, const lv06_job *job);
  void (*work_stop)(void *context);
  lv06_work_news (*work_poll)(void *context, lv06_nonce *found);
  uint64_t (*work_hashes)(void *context);
  void *work_context; /* for the four above */
} lv06_board;

/*
 * Opens the port chosen in menuconfig and starts the task. `board` must outlive it. Call once, after WiFi has been
 * started: the boot id comes from esp_random, which is only truly random while the radio runs.
 * Returns ESP_ERR_NO_MEM, ESP_ERR_INVALID_STATE when called twice, or what the port's driver said.
 */
esp_err_t lv06_esp_start(const lv06_board *board);

#endif
