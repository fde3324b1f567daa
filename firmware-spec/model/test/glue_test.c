/* The frames of the ESP32-S3 glue against the chip's: written apart, from the same public facts. */
#include <string.h>

#include "../../esp-idf/include/lv06_asic_frame.h"
#include "../asic.h"
#include "../random.h"
#include "check.h"

enum { CASES = 2000 };

static void fill(uint64_t *random, uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)model_random(random);
}

static void the_chip_reads_the_glues_jobs(void) {
  uint64_t random = 1;
  for (unsigned i = 0; i < CASES; i++) {
    uint8_t header[BM1366_HEADER], frame[BM1366_JOB];
    uint32_t mask = (uint32_t)model_random(&random);
    unsigned slot = model_random_below(&random, LV06_ASIC_JOB_IDS);
    bm1366_job job;
    fill(&random, header, sizeof header);
    lv06_asic_job_frame(frame, slot, header, mask);
    CHECK(bm1366_job_decode(frame, &job) && job.job_id == slot * BM1366_JOB_STEP);
    mask &= BM1366_VERSION_BITS;
    for (unsigned byte = 0; byte < 4; byte++) header[byte] &= (uint8_t)~(mask >> (8u * byte));
    CHECK(memcmp(job.header, header, 76) == 0);
  }
}

static void the_chip_reads_the_glues_registers(void) {
  uint64_t random = 2;
  for (unsigned i = 0; i < CASES; i++) {
    uint8_t packet[BM1366_WRITE], target[LV06_DIGEST_SIZE] = {0}, reg;
    uint32_t value;
    unsigned log2;
    lv06_asic_register_frame(packet, LV06_ASIC_VERSION_MASK, (uint32_t)i * 0x9e3779b9u);
    CHECK(bm1366_write_decode(packet, &reg, &value));
    CHECK(reg == BM1366_VERSION_MASK && value == (uint32_t)i * 0x9e3779b9u);
    /* Difficulty 1 to 2^28. */
    fill(&random, target + 8, sizeof target - 8);
    unsigned bit = model_random_below(&random, 28);
    target[4 + bit / 8u] = (uint8_t)(0x80u >> (bit % 8u));
    CHECK(bm1366_ticket_decode(lv06_asic_ticket_mask(target), &log2) && (int)log2 == model_asic_ticket(target));
  }
}

static void the_glue_reads_the_chips_results_and_no_damaged_one(void) {
  uint64_t random = 3;
  lv06_asic_reader reader;
  lv06_asic_nonce found;
  memset(&reader, 0, sizeof reader);
  for (unsigned i = 0; i < CASES; i++) {
    unsigned nonces = 0, slot = model_random_below(&random, LV06_ASIC_JOB_IDS);
    bm1366_result result = {(uint8_t)(slot * BM1366_JOB_STEP), (uint8_t)(i % 8u), (uint32_t)model_random(&random),
                            (uint32_t)model_random(&random) & BM1366_VERSION_BITS};
    uint8_t frame[BM1366_RESULT];
    bm1366_result_encode(&result, frame);
    for (unsigned j = 0; j < sizeof frame; j++) nonces += lv06_asic_read(&reader, frame[j], &found);
    CHECK(nonces == 1 && found.slot == slot && found.version_bits == result.version_bits);
    CHECK(found.nonce == bm1366_nonce(result.counter));
    unsigned bit = 16u + model_random_below(&random, 8u * BM1366_RESULT - 16u);
    frame[bit / 8u] ^= (uint8_t)(1u << (bit % 8u));
    for (unsigned j = 0; j < sizeof frame; j++) CHECK(!lv06_asic_read(&reader, frame[j], &found));
    memset(&reader, 0, sizeof reader);
  }
}

void glue_tests(void) {
  the_chip_reads_the_glues_jobs();
  the_chip_reads_the_glues_registers();
  the_glue_reads_the_chips_results_and_no_damaged_one();
}
