/* The chip alone, its bytes and its clock in the test's hands. */
#include <math.h>
#include <string.h>

#include "../../core/sha256.h"
#include "../bm1366.h"
#include "check.h"

enum { TICKET = -24, MEAN_HASHES = 256, STEP_US = 1000 };
static const double speed = 0.004; /* hashes a microsecond: a share of TICKET takes 64 ms */

static bm1366_config configuration(uint64_t seed) {
  return (bm1366_config){seed, speed, BM1366_STEPS, 0, 0};
}

static void send_job(bm1366 *chip, uint64_t now_us, uint8_t job_id) {
  uint8_t packet[BM1366_JOB];
  bm1366_job job = {job_id, 0, {0, 0, 0, 0x20, job_id, 1, 2, 3}};
  bm1366_job_encode(&job, packet);
  bm1366_receive(chip, now_us, packet, sizeof packet);
}

static unsigned zero_bits(const bm1366 *chip, const bm1366_result *result) {
  uint8_t header[BM1366_HEADER], first[32], digest[32];
  unsigned bits = 0;
  memcpy(header, chip->job.header, sizeof header);
  for (unsigned i = 0; i < 4; i++) {
    header[i] |= (uint8_t)(result->version_bits >> (8u * i));
    header[76 + i] = (uint8_t)(bm1366_nonce(result->counter) >> (8u * i));
  }
  lv06_sha256(header, sizeof header, first);
  lv06_sha256(first, sizeof first, digest);
  while (bits < 256 && (digest[31u - bits / 8u] & (0x80u >> (bits % 8u))) == 0) bits++;
  return bits;
}

/* Lets a millisecond pass, and takes one result if there is one. */
static bool tick(bm1366 *chip, uint64_t *now_us, bm1366_result *result) {
  uint8_t frame[BM1366_RESULT];
  *now_us += STEP_US;
  bm1366_run(chip, *now_us, 4096);
  return bm1366_result_take(chip, *now_us, frame) && bm1366_result_decode(frame, result);
}

static void share_times_are_exponential_with_the_mean_of_difficulty_and_rate(void) {
  enum { SHARES = 10000 };
  const double mean_us = MEAN_HASHES / speed;
  bm1366 chip;
  bm1366_result result;
  bm1366_config config = configuration(11);
  uint64_t now_us = 0, last_us = 0;
  double sum = 0, squares = 0;
  unsigned over_one = 0, over_two = 0, under_tenth = 0;
  bm1366_start(&chip, &config);
  bm1366_set_ticket(&chip, TICKET);
  send_job(&chip, 0, 8);
  for (unsigned i = 0; i < SHARES;) {
    if (!tick(&chip, &now_us, &result)) continue;
    double time_us = (double)(now_us - last_us);
    last_us = now_us;
    sum += time_us;
    squares += time_us * time_us;
    over_one += time_us > mean_us;
    over_two += time_us > 2 * mean_us;
    under_tenth += time_us < mean_us / 10;
    i++;
  }
  double mean = sum / SHARES, deviation = sqrt(squares / SHARES - mean * mean);
  /* Four standard errors of 10,000 draws. */
  CHECK(fabs(mean / mean_us - 1) < 0.04);
  CHECK(fabs(deviation / mean_us - 1) < 0.06);
  CHECK(fabs(over_one / (double)SHARES - exp(-1)) < 0.02);
  CHECK(fabs(over_two / (double)SHARES - exp(-2)) < 0.014);
  CHECK(fabs(under_tenth / (double)SHARES - (1 - exp(-0.1))) < 0.02);
}

static void only_what_the_ticket_lets_through_is_reported(void) {
  for (int ticket = -26; ticket <= -22; ticket++) {
    bm1366 chip;
    bm1366_result result;
    bm1366_config config = configuration(5);
    uint64_t now_us = 0;
    bm1366_start(&chip, &config);
    bm1366_set_ticket(&chip, ticket);
    send_job(&chip, 0, 16);
    for (unsigned found = 0; found < 50;) {
      if (!tick(&chip, &now_us, &result)) continue;
      found++;
      CHECK(zero_bits(&chip, &result) >= (unsigned)(32 + ticket));
      CHECK(result.job_id == 16 && (result.version_bits & ~BM1366_VERSION_BITS) == 0);
      CHECK(((result.counter >> 22) & 7u) == result.small_core && result.counter >> 25 < 112);
    }
  }
}

static void a_chip_reports_nothing_below_difficulty_256_until_told_to(void) {
  bm1366 chip;
  bm1366_result result;
  bm1366_config config = configuration(5);
  uint64_t now_us = 0;
  uint8_t packet[BM1366_WRITE];
  bm1366_start(&chip, &config);
  send_job(&chip, 0, 8);
  for (unsigned i = 0; i < 20000; i++) CHECK(!tick(&chip, &now_us, &result));
  CHECK(chip.ticket == 8);
  bm1366_write_encode(BM1366_TICKET_MASK, bm1366_ticket_encode(3), packet);
  bm1366_receive(&chip, now_us, packet, sizeof packet);
  CHECK(chip.ticket == 3);
}

static int compare(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static void small_cores_search_disjoint_spaces_until_all_is_tried(void) {
  enum { STEPS = 2, VERSIONS = 4, ALL = BM1366_SMALL_CORES * STEPS * VERSIONS };
  static uint64_t seen[ALL];
  bm1366 chip;
  bm1366_result result;
  bm1366_config config = {3, 0, STEPS, 0, 0};
  uint64_t now_us = 0;
  uint8_t packet[BM1366_WRITE];
  size_t count = 0;
  bm1366_start(&chip, &config);
  bm1366_set_ticket(&chip, BM1366_TICKET_LEAST);
  bm1366_write_encode(BM1366_VERSION_MASK, 0x90000005u, packet);
  bm1366_receive(&chip, 0, packet, sizeof packet);
  send_job(&chip, 0, 8);
  while (!bm1366_is_done(&chip, now_us)) {
    if (!tick(&chip, &now_us, &result)) continue;
    CHECK(count < ALL && (result.version_bits & ~0xa000u) == 0);
    seen[count++] = (uint64_t)result.version_bits << 32 | result.counter;
  }
  CHECK(count == ALL && bm1366_hashes(&chip, now_us) == ALL);
  qsort(seen, ALL, sizeof seen[0], compare);
  for (size_t i = 1; i < ALL; i++) CHECK(seen[i] != seen[i - 1]);
}

static void no_share_comes_before_its_hashes_were_due(void) {
  bm1366 chip;
  bm1366_config config = configuration(77);
  uint8_t frame[BM1366_RESULT];
  bm1366_start(&chip, &config);
  bm1366_set_ticket(&chip, TICKET);
  send_job(&chip, 1000, 8);
  while (chip.queue_length == 0) bm1366_run(&chip, 1000000, BM1366_LANES);
  uint64_t due_us = chip.queue[chip.queue_first].due_us;
  double hashes = (double)(due_us - 1000 - BM1366_LINE_US) * speed;
  CHECK(hashes <= (double)chip.tried && hashes > (double)chip.tried - BM1366_LANES - 1);
  CHECK(!bm1366_result_take(&chip, due_us - 1u, frame) && bm1366_result_take(&chip, due_us, frame));
}

/* A slow processor makes shares late, and is not credited with hashes that it did not do. */
static void hashes_count_what_was_tried(void) {
  bm1366 chip;
  bm1366_config config = {1, 1e6, BM1366_STEPS, 0, 0};
  bm1366_start(&chip, &config);
  send_job(&chip, 0, 8);
  for (unsigned i = 0; i < 10; i++) bm1366_run(&chip, 5000000, 400);
  CHECK(bm1366_hashes(&chip, 5000000) == chip.tried && chip.tried > 3900 && chip.tried <= 4000);
  CHECK(bm1366_wait_us(&chip, 5000000) == 0);
}

static void seeds_decide_where_a_search_begins(void) {
  bm1366_result results[3];
  for (unsigned i = 0; i < 3; i++) {
    bm1366 chip;
    bm1366_config config = configuration(i < 2 ? 1 : 2);
    uint64_t now_us = 0;
    bm1366_start(&chip, &config);
    bm1366_set_ticket(&chip, TICKET);
    send_job(&chip, 0, 8);
    while (!tick(&chip, &now_us, &results[i])) continue;
  }
  CHECK(results[0].counter == results[1].counter && results[0].version_bits == results[1].version_bits);
  CHECK(results[0].counter != results[2].counter);
}

static void what_is_no_packet_is_skipped(void) {
  bm1366 chip;
  bm1366_config config = configuration(1);
  static const uint8_t noise[] = {0x55, 0x55, 0xaa, 0x00, 0x55, 0xaa, 0x21, 0xff, 0x00, 0x55};
  bm1366_start(&chip, &config);
  bm1366_receive(&chip, 0, noise, sizeof noise);
  CHECK(!chip.busy);
  bm1366_receive(&chip, 0, noise, 1);
  bm1366_receive(&chip, 0, (const uint8_t[]){0}, 1);
  send_job(&chip, 0, 24);
  CHECK(chip.busy && chip.job.job_id == 24);
}

void chip_tests(void) {
  share_times_are_exponential_with_the_mean_of_difficulty_and_rate();
  only_what_the_ticket_lets_through_is_reported();
  a_chip_reports_nothing_below_difficulty_256_until_told_to();
  small_cores_search_disjoint_spaces_until_all_is_tried();
  no_share_comes_before_its_hashes_were_due();
  hashes_count_what_was_tried();
  seeds_decide_where_a_search_begins();
  what_is_no_packet_is_skipped();
}
