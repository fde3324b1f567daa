/*
 * A model of the BM1366, simulated: bytes in and result frames out, as on the chip's serial line, under a clock that
 * the caller turns.
 *
 * It really hashes. Its 894 small cores try counters of their own, one after the other, at `hashes_per_us` of the
 * model's time: the time to a share is the number of hashes that it took, and so is exponential with the mean that
 * difficulty and rate give. Where the processor cannot keep up, shares come later, never unearned; `bm1366_hashes`
 * counts what was tried. Which small core owns which counters is the model's own choice, as is where each begins: the
 * chip's is not published.
 */
#ifndef LV06_MODEL_BM1366_H
#define LV06_MODEL_BM1366_H

#include "bm1366_frame.h"
#include "bm1366_search.h"

enum {
  BM1366_SMALL_CORES = 894,
  BM1366_STEPS = 1 << 22,   /* counters of one small core */
  BM1366_TICKET_STOCK = 8,  /* difficulty 256 */
  BM1366_TICKET_LEAST = -32,
  BM1366_QUEUE = 16,
  BM1366_INPUT = BM1366_JOB,
  BM1366_AHEAD_US = 200000, /* how far it searches ahead of the clock, so that results are ready when they are due */
  BM1366_LINE_US = 110      /* a result frame at 1 Mbaud */
};

typedef struct {
  uint64_t seed;
  double hashes_per_us; /* 0: as fast as it is run */
  uint32_t steps;       /* BM1366_STEPS, or fewer to see a search exhausted */
  uint32_t bad_ppm;     /* chance of a nonce that does not verify before each result, in millionths */
  uint32_t damage_ppm;  /* chance of a flipped bit in each result frame */
} bm1366_config;

typedef struct {
  uint64_t due_us;
  uint8_t frame[BM1366_RESULT];
} bm1366_pending;

typedef struct {
  bm1366_config config;
  uint64_t random;
  int ticket; /* log2 of the least difficulty reported; below 0 only here, no chip can */
  uint32_t version_mask;
  bool busy, exhausted;
  bm1366_job job;
  bm1366_search search;
  uint32_t versions, version; /* how many there are, and which one is tried */
  uint32_t first_version, first_step;
  uint32_t core, step; /* the next to try: the cores take turns */
  double speed; /* of the job: hashes_per_us when it began */
  uint64_t start_us, tried;
  bm1366_pending queue[BM1366_QUEUE];
  size_t queue_first, queue_length;
  uint8_t input[BM1366_INPUT];
  size_t input_length;
} bm1366;

/* Power on: registers at their stock values, no job. */
void bm1366_start(bm1366 *chip, const bm1366_config *config);
/* Another speed, from the next job on. */
void bm1366_set_speed(bm1366 *chip, double hashes_per_us);
/* Bytes from the host controller, in chunks of any size; what is no packet is skipped. */
void bm1366_receive(bm1366 *chip, uint64_t now_us, const uint8_t *bytes, size_t length);
/* Simulated only: a ticket below difficulty 1, until the next write to the register. */
void bm1366_set_ticket(bm1366 *chip, int log2);
/* Gives up the job, as a chip whose clock is stopped. Frames that are on the line already still come. */
void bm1366_halt(bm1366 *chip, uint64_t now_us);
/* Searches up to BM1366_AHEAD_US ahead of the clock, at most about `budget` hashes. */
void bm1366_run(bm1366 *chip, uint64_t now_us, uint32_t budget);
/* Takes the oldest frame that is due. */
bool bm1366_result_take(bm1366 *chip, uint64_t now_us, uint8_t frame[BM1366_RESULT]);
/* Whether the job's whole space was tried, and its last result taken. */
bool bm1366_is_done(const bm1366 *chip, uint64_t now_us);
/* Microseconds until it wants to be run again or has a result; 0: at once; UINT64_MAX: it is idle. */
uint64_t bm1366_wait_us(const bm1366 *chip, uint64_t now_us);
/* Hashes tried for the present or last job until now. */
uint64_t bm1366_hashes(const bm1366 *chip, uint64_t now_us);
/* The counter that a small core tries at a step: different for every pair. */
uint32_t bm1366_counter(uint32_t core, uint32_t step);
/* The `index`th of the versions that the bits of `mask` make. */
uint32_t bm1366_version_bits(uint32_t mask, uint32_t index);

#endif
