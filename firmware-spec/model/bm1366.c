#include "bm1366.h"

#include "../core/bytes.h"
#include "../core/mem.h"
#include "random.h"

void bm1366_start(bm1366 *chip, const bm1366_config *config) {
  memset(chip, 0, sizeof *chip);
  chip->config = *config;
  chip->random = config->seed;
  chip->ticket = BM1366_TICKET_STOCK;
  chip->version_mask = BM1366_VERSION_BITS;
}

void bm1366_set_speed(bm1366 *chip, double hashes_per_us) { chip->config.hashes_per_us = hashes_per_us; }

void bm1366_set_ticket(bm1366 *chip, int log2) {
  chip->ticket = log2 < BM1366_TICKET_LEAST ? BM1366_TICKET_LEAST : log2;
}

/* Seven bits of core, as results show it; then three of small core and 22 to count in. */
uint32_t bm1366_counter(uint32_t core, uint32_t step) { return ((core >> 3) << 25) | ((core & 7u) << 22) | step; }

uint32_t bm1366_version_bits(uint32_t mask, uint32_t index) {
  uint32_t bits = 0;
  for (uint32_t left = mask; left != 0; left &= left - 1u, index >>= 1) {
    if ((index & 1u) != 0) bits |= left & (~left + 1u);
  }
  return bits;
}

static uint32_t present_bits(const bm1366 *chip) {
  return bm1366_version_bits(chip->version_mask, (chip->first_version + chip->version) % chip->versions);
}

static void begin_version(bm1366 *chip) {
  uint8_t header[BM1366_HEADER];
  memcpy(header, chip->job.header, sizeof header);
  lv06_store_le(header, lv06_load_le(header) | present_bits(chip));
  bm1366_search_start(&chip->search, header);
  chip->core = 0;
  chip->step = 0;
}

/* When the hash of that index is done, in the model's time. */
static uint64_t hash_due_us(const bm1366 *chip, uint64_t index, uint64_t now_us) {
  if (chip->speed <= 0) return now_us;
  return chip->start_us + (uint64_t)((double)index / chip->speed);
}

/* Hashes that the speed allows until then. */
static uint64_t allowed(const bm1366 *chip, uint64_t then_us) {
  if (chip->speed <= 0) return UINT64_MAX;
  double most = (double)(then_us - chip->start_us) * chip->speed;
  return most < 1.8e19 ? (uint64_t)most : UINT64_MAX;
}

/* What was searched ahead of the clock has not happened. */
void bm1366_halt(bm1366 *chip, uint64_t now_us) {
  chip->tried = bm1366_hashes(chip, now_us);
  chip->busy = false;
  chip->exhausted = false;
  size_t kept = 0;
  while (kept < chip->queue_length &&
         chip->queue[(chip->queue_first + kept) % BM1366_QUEUE].due_us <= now_us + BM1366_LINE_US) {
    kept++;
  }
  chip->queue_length = kept;
}

/* A chip begins where the last job left its counters; here a seed says where. */
static void begin_job(bm1366 *chip, uint64_t now_us) {
  chip->versions = 1;
  for (uint32_t left = chip->version_mask; left != 0; left &= left - 1u) chip->versions *= 2u;
  chip->first_version = model_random_below(&chip->random, chip->versions);
  chip->first_step = model_random_below(&chip->random, chip->config.steps);
  chip->version = 0;
  chip->speed = chip->config.hashes_per_us;
  chip->start_us = now_us;
  chip->tried = 0;
  chip->exhausted = false;
  chip->busy = true;
  begin_version(chip);
}

static void write_register(bm1366 *chip, uint8_t reg, uint32_t value) {
  unsigned log2;
  if (reg == BM1366_TICKET_MASK && bm1366_ticket_decode(value, &log2)) chip->ticket = (int)log2;
  if (reg == BM1366_VERSION_MASK) chip->version_mask = (value & 0xffffu) << 13;
}

/* The length of the packet that the input begins with; 0 if it begins none that matters here. */
static size_t packet_length(const uint8_t *input, size_t length) {
  static const uint8_t preamble[2] = {0x55, 0xaa};
  for (size_t i = 0; i < length && i < 2; i++) {
    if (input[i] != preamble[i]) return 0;
  }
  if (length < 4) return 4;
  if (input[2] == BM1366_TYPE_JOB && input[3] == BM1366_JOB - 2) return BM1366_JOB;
  if (input[2] == BM1366_TYPE_WRITE && input[3] == BM1366_WRITE - 2) return BM1366_WRITE;
  return 0;
}

static void take_packet(bm1366 *chip, uint64_t now_us, size_t length) {
  bm1366_job job;
  uint8_t reg;
  uint32_t value;
  if (length == BM1366_JOB && bm1366_job_decode(chip->input, &job)) {
    bm1366_halt(chip, now_us);
    chip->job = job;
    begin_job(chip, now_us);
  } else if (length == BM1366_WRITE && bm1366_write_decode(chip->input, &reg, &value)) {
    write_register(chip, reg, value);
  }
}

void bm1366_receive(bm1366 *chip, uint64_t now_us, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    chip->input[chip->input_length++] = bytes[i];
    size_t want = packet_length(chip->input, chip->input_length);
    if (want == 0) {
      chip->input_length = bytes[i] == 0x55 ? 1 : 0;
      chip->input[0] = 0x55;
    } else if (chip->input_length == want && want > 4) {
      take_packet(chip, now_us, want);
      chip->input_length = 0;
    }
  }
}

static void push(bm1366 *chip, uint64_t due_us, const bm1366_result *result) {
  if (chip->queue_length == BM1366_QUEUE) return;
  bm1366_pending *slot = &chip->queue[(chip->queue_first + chip->queue_length++) % BM1366_QUEUE];
  slot->due_us = due_us;
  bm1366_result_encode(result, slot->frame);
  if (model_random_below(&chip->random, 1000000) < chip->config.damage_ppm) {
    uint32_t bit = model_random_below(&chip->random, 8 * BM1366_RESULT);
    slot->frame[bit / 8u] ^= (uint8_t)(1u << (bit % 8u));
  }
}

static void report(bm1366 *chip, uint64_t due_us, uint32_t core, uint32_t counter) {
  bm1366_result result = {chip->job.job_id, (uint8_t)(core & 7u), counter, present_bits(chip)};
  if (model_random_below(&chip->random, 1000000) < chip->config.bad_ppm) {
    bm1366_result bad = result;
    bad.counter ^= (uint32_t)1 << model_random_below(&chip->random, 22);
    push(chip, due_us, &bad);
  }
  push(chip, due_us, &result);
}

/* The digest as a number begins with at least that many zero bits. */
static bool has_zeros(const uint32_t words[8][BM1366_LANES], unsigned lane, unsigned bits) {
  for (unsigned word = 8; word-- > 0; bits -= 32u) {
    uint32_t x = bm1366_nonce(words[word][lane]);
    if (bits < 32u) return bits == 0 || (x >> (32u - bits)) == 0;
    if (x != 0) return false;
  }
  return true;
}

static void next_place(bm1366 *chip) {
  if (++chip->core < BM1366_SMALL_CORES) return;
  chip->core = 0;
  if (++chip->step < chip->config.steps) return;
  if (++chip->version < chip->versions) {
    begin_version(chip);
  } else {
    chip->exhausted = true;
    chip->busy = false;
  }
}

/* Four hashes, or fewer at the end of a version. */
static void try_lanes(bm1366 *chip, uint64_t now_us) {
  uint32_t counters[BM1366_LANES], cores[BM1366_LANES], words[8][BM1366_LANES];
  unsigned most = BM1366_SMALL_CORES - chip->core < BM1366_LANES ? BM1366_SMALL_CORES - chip->core : BM1366_LANES;
  for (unsigned i = 0; i < BM1366_LANES; i++) {
    cores[i] = chip->core + (i < most ? i : 0);
    counters[i] = bm1366_counter(cores[i], (chip->first_step + chip->step) % chip->config.steps);
  }
  bm1366_search_hash(&chip->search, counters, words);
  for (unsigned i = 0; i < most; i++) {
    chip->tried++;
    if (has_zeros((const uint32_t(*)[BM1366_LANES])words, i, (unsigned)(32 + chip->ticket))) {
      report(chip, hash_due_us(chip, chip->tried, now_us) + BM1366_LINE_US, cores[i], counters[i]);
    }
  }
  chip->core += most - 1u;
  next_place(chip);
}

void bm1366_run(bm1366 *chip, uint64_t now_us, uint32_t budget) {
  if (!chip->busy) return;
  uint64_t most = allowed(chip, now_us + BM1366_AHEAD_US);
  /* A lane group reports at most eight frames: with less room the search waits until results are taken. */
  for (uint32_t done = 0; chip->busy && done < budget && chip->tried < most; done += BM1366_LANES) {
    if (chip->queue_length + 2u * BM1366_LANES > BM1366_QUEUE) return;
    try_lanes(chip, now_us);
  }
}

bool bm1366_result_take(bm1366 *chip, uint64_t now_us, uint8_t frame[BM1366_RESULT]) {
  const bm1366_pending *oldest = &chip->queue[chip->queue_first];
  if (chip->queue_length == 0 || oldest->due_us > now_us) return false;
  memcpy(frame, oldest->frame, BM1366_RESULT);
  chip->queue_first = (chip->queue_first + 1u) % BM1366_QUEUE;
  chip->queue_length--;
  return true;
}

bool bm1366_is_done(const bm1366 *chip, uint64_t now_us) {
  return chip->exhausted && chip->queue_length == 0 && hash_due_us(chip, chip->tried, now_us) <= now_us;
}

uint64_t bm1366_wait_us(const bm1366 *chip, uint64_t now_us) {
  uint64_t due_us = UINT64_MAX;
  bool room = chip->queue_length + 2u * BM1366_LANES <= BM1366_QUEUE;
  if (chip->busy && room) {
    /* Half the lead is used up before it is renewed. */
    uint64_t renew_us = hash_due_us(chip, chip->tried, now_us);
    due_us = renew_us > BM1366_AHEAD_US / 2 ? renew_us - BM1366_AHEAD_US / 2 : 0;
  }
  if (chip->exhausted) due_us = hash_due_us(chip, chip->tried, now_us);
  if (chip->queue_length > 0 && chip->queue[chip->queue_first].due_us < due_us) {
    due_us = chip->queue[chip->queue_first].due_us;
  }
  if (due_us == UINT64_MAX) return due_us;
  return due_us > now_us ? due_us - now_us : 0;
}

uint64_t bm1366_hashes(const bm1366 *chip, uint64_t now_us) {
  uint64_t most = allowed(chip, now_us);
  return chip->tried < most ? chip->tried : most;
}
