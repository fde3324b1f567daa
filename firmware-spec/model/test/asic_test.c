/* The board's side: tickets, jobs replaced, results that are bad. */
#include <string.h>

#include "../../core/sha256.h"
#include "../asic.h"
#include "check.h"

static const bm1366_config steady = {9, 0.05, BM1366_STEPS, 0, 0};

static lv06_job job_of(uint8_t mark) {
  lv06_job job;
  memset(&job, 0, sizeof job);
  job.header[1] = 0xe0; /* inside the mask: bits that the chip rolls */
  job.header[3] = 0x20;
  job.header[10] = mark;
  job.target[0] = 0x00;
  memset(job.target + 1, 0xff, sizeof job.target - 1);
  job.version_mask = 0x1fffe000u;
  return job;
}

static bool meets(const lv06_job *job, const lv06_nonce *nonce) {
  uint8_t header[LV06_HEADER_SIZE], digest[LV06_DIGEST_SIZE];
  memcpy(header, job->header, sizeof header);
  for (unsigned i = 0; i < 4; i++) {
    header[i] = (uint8_t)(nonce->version >> (8u * i));
    header[76 + i] = (uint8_t)(nonce->nonce >> (8u * i));
  }
  uint32_t given = (uint32_t)job->header[3] << 24 | (uint32_t)job->header[1] << 8;
  lv06_sha256(header, sizeof header, digest);
  uint8_t inner[LV06_DIGEST_SIZE];
  memcpy(inner, digest, sizeof inner);
  lv06_sha256(inner, sizeof inner, digest);
  return ((nonce->version ^ given) & ~job->version_mask) == 0 && digest[31] == 0;
}

static void the_ticket_is_the_largest_that_the_target_allows(void) {
  static const struct {
    uint8_t byte, value;
    int ticket;
  } cases[] = {{4, 0xff, 0}, {4, 0x80, 0}, {4, 0x7f, 1}, {5, 0xff, 8}, {0, 0xff, -32}, {1, 0x0f, -20}, {31, 0x01, 223}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t target[LV06_DIGEST_SIZE] = {0};
    target[cases[i].byte] = cases[i].value;
    CHECK(model_asic_ticket(target) == cases[i].ticket);
  }
}

static void nonces_meet_the_target_within_the_mask(void) {
  model_asic asic;
  lv06_nonce nonce;
  lv06_job job = job_of(1);
  unsigned found = 0;
  model_asic_start(&asic, &steady);
  model_asic_work(&asic, 0, &job);
  for (uint64_t now_us = 0; found < 200; now_us += 1000) {
    bm1366_run(&asic.chip, now_us, 4096);
    if (model_asic_poll(&asic, now_us, &nonce) != LV06_WORK_NONCE) continue;
    found++;
    CHECK(meets(&job, &nonce));
  }
}

static void versions_are_rolled_in_all_bits_of_the_mask(void) {
  model_asic asic;
  lv06_nonce nonce;
  uint32_t ones = 0, zeros = 0;
  uint64_t now_us = 0;
  model_asic_start(&asic, &steady);
  for (uint8_t mark = 0; mark < 60; mark++) {
    lv06_job job = job_of(mark);
    model_asic_work(&asic, now_us, &job);
    do {
      now_us += 1000;
      bm1366_run(&asic.chip, now_us, 4096);
    } while (model_asic_poll(&asic, now_us, &nonce) != LV06_WORK_NONCE);
    ones |= nonce.version;
    zeros |= ~nonce.version;
  }
  CHECK((ones & zeros) == 0x1fffe000u);
}

static void results_of_a_replaced_job_are_dropped(void) {
  model_asic asic;
  lv06_nonce nonce;
  lv06_job jobs[2] = {job_of(1), job_of(2)};
  uint64_t now_us = 0;
  unsigned found = 0;
  model_asic_start(&asic, &steady);
  for (unsigned i = 0; i < 400; i++, now_us += 10000) {
    model_asic_work(&asic, now_us, &jobs[i % 2]);
    bm1366_run(&asic.chip, now_us, 4096);
    /* Every other job is replaced while its results are on the line. */
    if (i % 2 == 0) continue;
    for (uint64_t at_us = now_us; at_us < now_us + 10000; at_us += 100) {
      if (model_asic_poll(&asic, at_us, &nonce) != LV06_WORK_NONCE) continue;
      found++;
      CHECK(meets(&jobs[1], &nonce));
    }
  }
  CHECK(found > 200 && asic.stale > 100);
}

static void bad_nonces_and_damaged_frames_come_at_their_rate(void) {
  model_asic asic;
  lv06_nonce nonce;
  lv06_job job = job_of(3);
  const bm1366_config faulty = {4, 0.05, BM1366_STEPS, 100000, 50000};
  unsigned bad = 0, good = 0;
  model_asic_start(&asic, &faulty);
  model_asic_work(&asic, 0, &job);
  for (uint64_t now_us = 0; good < 2000; now_us += 1000) {
    bm1366_run(&asic.chip, now_us, 4096);
    if (model_asic_poll(&asic, now_us, &nonce) != LV06_WORK_NONCE) continue;
    if (meets(&job, &nonce)) {
      good++;
    } else {
      bad++;
    }
  }
  CHECK(bad > 150 && bad < 260);
  CHECK(asic.damaged > 75 && asic.damaged < 160);
}

static void a_search_that_was_stopped_says_nothing(void) {
  model_asic asic;
  lv06_nonce nonce;
  lv06_job job = job_of(1);
  model_asic_start(&asic, &steady);
  model_asic_work(&asic, 0, &job);
  bm1366_run(&asic.chip, 100000, 4096);
  model_asic_stop(&asic, 100000);
  for (uint64_t now_us = 100000; now_us < 1000000; now_us += 1000) {
    bm1366_run(&asic.chip, now_us, 4096);
    CHECK(model_asic_poll(&asic, now_us, &nonce) == LV06_WORK_NOTHING);
  }
  CHECK(bm1366_wait_us(&asic.chip, 1000000) == UINT64_MAX);
}

void asic_tests(void) {
  the_ticket_is_the_largest_that_the_target_allows();
  nonces_meet_the_target_within_the_mask();
  versions_are_rolled_in_all_bits_of_the_mask();
  results_of_a_replaced_job_are_dropped();
  bad_nonces_and_damaged_frames_come_at_their_rate();
  a_search_that_was_stopped_says_nothing();
}
