/*
 * The board's side of the BM1366: what firmware does to start a search and to read its results, over the frames that
 * firmware would send. Simulated, as the chip is.
 */
#ifndef LV06_MODEL_ASIC_H
#define LV06_MODEL_ASIC_H

#include "../core/lv06.h"
#include "bm1366.h"

typedef struct {
  bm1366 chip;
  uint32_t base_version; /* of the job, without the bits that are rolled */
  uint8_t job_id;
  bool working;
  uint64_t damaged; /* frames that were not readable */
  uint64_t stale;   /* results of jobs that had been replaced */
} model_asic;

void model_asic_start(model_asic *asic, const bm1366_config *config);
void model_asic_work(model_asic *asic, uint64_t now_us, const lv06_job *job);
void model_asic_stop(model_asic *asic, uint64_t now_us);
lv06_work_news model_asic_poll(model_asic *asic, uint64_t now_us, lv06_nonce *found);
/* log2 of the least difficulty that lets every hash up to `target` through. */
int model_asic_ticket(const uint8_t target[LV06_DIGEST_SIZE]);

#endif
