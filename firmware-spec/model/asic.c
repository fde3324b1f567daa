#include "asic.h"

#include "../core/mem.h"

void model_asic_start(model_asic *asic, const bm1366_config *config) {
  memset(asic, 0, sizeof *asic);
  bm1366_start(&asic->chip, config);
}

/* Difficulty 1 is 224 bits: every bit that the target is shorter doubles it. */
int model_asic_ticket(const uint8_t target[LV06_DIGEST_SIZE]) {
  int bits = 8 * LV06_DIGEST_SIZE;
  for (size_t i = 0; i < LV06_DIGEST_SIZE; i++, bits -= 8) {
    if (target[i] == 0) continue;
    for (unsigned top = 0x80; (target[i] & top) == 0; top >>= 1) bits--;
    break;
  }
  return 224 - bits;
}

static void send_register(model_asic *asic, uint64_t now_us, uint8_t reg, uint32_t value) {
  uint8_t packet[BM1366_WRITE];
  bm1366_write_encode(reg, value, packet);
  bm1366_receive(&asic->chip, now_us, packet, sizeof packet);
}

static void send_ticket(model_asic *asic, uint64_t now_us, int log2) {
  if (log2 > 31) log2 = 31;
  if (log2 >= 0) {
    send_register(asic, now_us, BM1366_TICKET_MASK, bm1366_ticket_encode((unsigned)log2));
  } else {
    bm1366_set_ticket(&asic->chip, log2);
  }
}

void model_asic_work(model_asic *asic, uint64_t now_us, const lv06_job *job) {
  bm1366_job packet_job;
  uint8_t packet[BM1366_JOB];
  uint32_t mask = job->version_mask & BM1366_VERSION_BITS;
  memcpy(packet_job.header, job->header, sizeof packet_job.header);
  asic->base_version = 0;
  for (unsigned i = 4; i-- > 0;) asic->base_version = asic->base_version << 8 | job->header[i];
  asic->base_version &= ~mask;
  for (unsigned i = 0; i < 4; i++) packet_job.header[i] = (uint8_t)(asic->base_version >> (8u * i));
  asic->job_id = (uint8_t)((asic->job_id + BM1366_JOB_STEP) % BM1366_JOB_IDS);
  packet_job.job_id = asic->job_id;
  packet_job.starting_nonce = 0;
  bm1366_halt(&asic->chip, now_us);
  send_ticket(asic, now_us, model_asic_ticket(job->target));
  send_register(asic, now_us, BM1366_VERSION_MASK, 0x90000000u | (mask >> 13));
  bm1366_job_encode(&packet_job, packet);
  bm1366_receive(&asic->chip, now_us, packet, sizeof packet);
  asic->working = true;
}

void model_asic_stop(model_asic *asic, uint64_t now_us) {
  bm1366_halt(&asic->chip, now_us);
  asic->working = false;
}

lv06_work_news model_asic_poll(model_asic *asic, uint64_t now_us, lv06_nonce *found) {
  uint8_t frame[BM1366_RESULT];
  bm1366_result result;
  while (bm1366_result_take(&asic->chip, now_us, frame)) {
    if (!bm1366_result_decode(frame, &result)) {
      asic->damaged++;
    } else if (!asic->working || result.job_id != asic->job_id) {
      asic->stale++;
    } else {
      found->nonce = bm1366_nonce(result.counter);
      found->version = asic->base_version | result.version_bits;
      return LV06_WORK_NONCE;
    }
  }
  if (asic->working && bm1366_is_done(&asic->chip, now_us)) {
    asic->working = false;
    return LV06_WORK_EXHAUSTED;
  }
  return LV06_WORK_NOTHING;
}
