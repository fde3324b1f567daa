/* The bytes on the BM1366's line, against packets that BM1366 firmware is known to send. */
#include <string.h>

#include "../../core/sha256.h"
#include "../bm1366_frame.h"
#include "../bm1366_search.h"
#include "check.h"

static void register_writes_are_those_of_firmware(void) {
  static const uint8_t version_mask[] = {0x55, 0xaa, 0x51, 0x09, 0x00, 0xa4, 0x90, 0x00, 0xff, 0xff, 0x1c};
  static const uint8_t init[][BM1366_WRITE] = {{0x55, 0xaa, 0x51, 0x09, 0x00, 0xa8, 0x00, 0x07, 0x00, 0x00, 0x03},
                                               {0x55, 0xaa, 0x51, 0x09, 0x00, 0x18, 0xff, 0x0f, 0xc1, 0x00, 0x00},
                                               {0x55, 0xaa, 0x51, 0x09, 0x00, 0x3c, 0x80, 0x00, 0x80, 0x20, 0x19}};
  uint8_t packet[BM1366_WRITE], reg;
  uint32_t value;
  bm1366_write_encode(BM1366_VERSION_MASK, 0x9000ffffu, packet);
  CHECK(memcmp(packet, version_mask, sizeof packet) == 0);
  for (size_t i = 0; i < sizeof init / sizeof init[0]; i++) {
    CHECK(bm1366_write_decode(init[i], &reg, &value));
    bm1366_write_encode(reg, value, packet);
    CHECK(memcmp(packet, init[i], sizeof packet) == 0);
  }
}

static void a_job_packet_is_that_of_firmware(void) {
  uint8_t expected[BM1366_JOB] = {0x55, 0xaa, 0x21, 0x56, 0x08, 0x01, 0x78, 0x56, 0x34, 0x12, 0x01, 0xdd,
                                  0x05, 0x17, 0xd8, 0x8b, 0x65, 0x64};
  uint8_t packet[BM1366_JOB];
  bm1366_job job = {0x08, 0x12345678u, {0x04, 0x00, 0x00, 0x20}}, decoded;
  for (unsigned i = 0; i < 64; i++) expected[18 + i] = (uint8_t)i;
  memcpy(expected + 82, (const uint8_t[]){0x04, 0x00, 0x00, 0x20, 0xd6, 0x21}, 6);
  /* The header's words, last first. */
  for (unsigned i = 0; i < 19; i++) memcpy(job.header + 4u * i, expected + 10 + 4u * (18u - i), 4);
  bm1366_job_encode(&job, packet);
  CHECK(memcmp(packet, expected, sizeof packet) == 0);
  CHECK(bm1366_job_decode(packet, &decoded));
  CHECK(decoded.job_id == job.job_id && decoded.starting_nonce == job.starting_nonce);
  CHECK(memcmp(decoded.header, job.header, sizeof job.header) == 0);
  for (size_t bit = 0; bit < 8u * BM1366_JOB; bit++) {
    packet[bit / 8u] ^= (uint8_t)(1u << (bit % 8u));
    CHECK(!bm1366_job_decode(packet, &decoded));
    packet[bit / 8u] ^= (uint8_t)(1u << (bit % 8u));
  }
}

static void a_result_says_where_it_was_found_and_no_flipped_bit_passes(void) {
  const bm1366_result result = {0x78, 5, 0xdeadbeefu, 0x1555a000u};
  bm1366_result decoded;
  uint8_t frame[BM1366_RESULT];
  bm1366_result_encode(&result, frame);
  CHECK(frame[7] == (0x78 | 5) && (frame[10] & 0x80) != 0);
  CHECK(bm1366_result_decode(frame, &decoded));
  CHECK(decoded.job_id == result.job_id && decoded.small_core == result.small_core);
  CHECK(decoded.counter == result.counter && decoded.version_bits == result.version_bits);
  for (size_t bit = 0; bit < 8u * BM1366_RESULT; bit++) {
    frame[bit / 8u] ^= (uint8_t)(1u << (bit % 8u));
    CHECK(!bm1366_result_decode(frame, &decoded));
    frame[bit / 8u] ^= (uint8_t)(1u << (bit % 8u));
  }
}

static void ticket_masks_are_powers_of_two(void) {
  unsigned log2;
  CHECK(bm1366_ticket_encode(8) == 0x000000ffu);
  CHECK(bm1366_ticket_encode(9) == 0x000080ffu);
  CHECK(bm1366_ticket_encode(0) == 0);
  for (unsigned i = 0; i < 32; i++) CHECK(bm1366_ticket_decode(bm1366_ticket_encode(i), &log2) && log2 == i);
  CHECK(!bm1366_ticket_decode(0x000000e7u, &log2));
}

static void the_search_hashes_as_sha256_does(void) {
  bm1366_search search;
  uint8_t header[80], first[32], digest[32];
  uint32_t counters[BM1366_LANES], words[8][BM1366_LANES];
  for (unsigned i = 0; i < 80; i++) header[i] = (uint8_t)(i * 37u + 11u);
  for (unsigned i = 0; i < BM1366_LANES; i++) counters[i] = 0x01234567u * (i + 3u);
  bm1366_search_start(&search, header);
  bm1366_search_hash(&search, counters, words);
  for (unsigned lane = 0; lane < BM1366_LANES; lane++) {
    for (unsigned i = 0; i < 4; i++) header[76 + i] = (uint8_t)(bm1366_nonce(counters[lane]) >> (8u * i));
    lv06_sha256(header, 80, first);
    lv06_sha256(first, 32, digest);
    for (unsigned i = 0; i < 32; i++) CHECK(digest[i] == (uint8_t)(words[i / 4u][lane] >> (24u - 8u * (i % 4u))));
  }
}

void frame_tests(void) {
  register_writes_are_those_of_firmware();
  a_job_packet_is_that_of_firmware();
  a_result_says_where_it_was_found_and_no_flipped_bit_passes();
  ticket_masks_are_powers_of_two();
  the_search_hashes_as_sha256_does();
}
