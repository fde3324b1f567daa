/*
 * Borrows the ASIC from firmware that mines with it. See ../README.md, "Beside AxeOS".
 * Not compiled against ESP-IDF, and not run on hardware, yet.
 */
#ifndef LV06_LEASE_H
#define LV06_LEASE_H

#include "esp_err.h"
#include "lv06_esp.h"

/* What the miner's firmware provides. Called from the LV06 task. */
typedef struct {
  void *context;
  /* Stops sending the miner's own jobs and sends this one; or sends this one instead of the one that was lent before.
   * False: not now (overheated, updating, the owner's choice); nothing changes, and the host reads BUSY. */
  bool (*borrow)(void *context, const lv06_job *job);
  /* The miner may go on with its own jobs. */
  void (*give_back)(void *context);
  /* Rate of the ASIC, for the estimate of hashes tried. */
  float (*hashrate_ghs)(void *context);
} lv06_miner;

typedef struct lv06_lease lv06_lease;

/* Puts the four functions into `board`. `miner` must outlive the lease. NULL when out of memory. */
lv06_lease *lv06_lease_create(const lv06_miner *miner, lv06_board *board);

/*
 * For the miner's result task: a nonce for the borrowed job, with the whole rolled version. Any task, never an interrupt.
 * A nonce that finds the queue full is lost: another comes.
 */
void lv06_lease_nonce(lv06_lease *lease, uint32_t nonce, uint32_t version);

/* For the miner's power management: it had to stop the ASIC, or wants it back. The search fails. Any task. */
void lv06_lease_failed(lv06_lease *lease);

#endif
