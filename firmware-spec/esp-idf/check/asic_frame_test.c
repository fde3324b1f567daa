/* The BM1366 frames against known ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/lv06_asic_frame.h"

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
      exit(1);                                                             \
    }                                                                      \
  } while (0)

/* The genesis block's header: version 1, no previous hash, and its Merkle root. */
static void genesis(uint8_t header[LV06_ASIC_HEADER_SIZE]) {
  static const uint8_t root[32] = {0x3b, 0xa3, 0xed, 0xfd, 0x7a, 0x7b, 0x12, 0xb2, 0x7a, 0xc7, 0x2c,
                                   0x3e, 0x67, 0x76, 0x8f, 0x61, 0x7f, 0xc8, 0x1b, 0xc3, 0x88, 0x8a,
                                   0x51, 0x32, 0x3a, 0x9f, 0xb8, 0xaa, 0x4b, 0x1e, 0x5e, 0x4a};
  static const uint8_t rest[12] = {0x29, 0xab, 0x5f, 0x49, 0xff, 0xff, 0x00, 0x1d, 0x1d, 0xac, 0x2b, 0x7c};
  memset(header, 0, LV06_ASIC_HEADER_SIZE);
  header[0] = 1;
  memcpy(header + 36, root, sizeof root);
  memcpy(header + 68, rest, sizeof rest);
}

static void checksums_have_their_check_values(void) {
  static const uint8_t digits[] = "123456789";
  static const uint8_t read_chip[] = {0x52, 0x05, 0x00, 0x00};
  static const uint8_t write_a8[] = {0x51, 0x09, 0x00, 0xa8, 0x00, 0x07, 0x00, 0x00};
  static const uint8_t write_28[] = {0x51, 0x09, 0x00, 0x28, 0x11, 0x30, 0x02, 0x00};
  CHECK(lv06_asic_crc16(digits, 9) == 0x29b1); /* CRC-16/IBM-3740 */
  CHECK(lv06_asic_crc5(read_chip, sizeof read_chip) == 0x0a);
  CHECK(lv06_asic_crc5(write_a8, sizeof write_a8) == 0x03);
  CHECK(lv06_asic_crc5(write_28, sizeof write_28) == 0x03);
}

static void a_job_carries_the_header_with_its_words_reversed(void) {
  uint8_t header[LV06_ASIC_HEADER_SIZE], frame[LV06_ASIC_JOB_FRAME];
  static const uint8_t head[10] = {0x55, 0xaa, 0x21, 0x56, 0x18, 0x01, 0, 0, 0, 0};
  static const uint8_t bits_time[8] = {0xff, 0xff, 0x00, 0x1d, 0x29, 0xab, 0x5f, 0x49};
  static const uint8_t version[4] = {1, 0, 0, 0};
  genesis(header);
  header[4] = 0x77; /* first word of the previous hash */
  lv06_asic_job_frame(frame, 3, header, 0x1fffe000u);
  CHECK(memcmp(frame, head, sizeof head) == 0);
  CHECK(memcmp(frame + 10, bits_time, sizeof bits_time) == 0);
  CHECK(memcmp(frame + 18, header + 64, 4) == 0 && memcmp(frame + 46, header + 36, 4) == 0);
  CHECK(frame[50] == 0 && frame[78] == 0x77);
  CHECK(memcmp(frame + 82, version, sizeof version) == 0);
  CHECK(lv06_asic_crc16(frame + 2, LV06_ASIC_JOB_FRAME - 2) == 0); /* a CRC over its own bytes leaves nothing */
}

static void rolled_version_bits_are_sent_as_zero(void) {
  uint8_t header[LV06_ASIC_HEADER_SIZE], frame[LV06_ASIC_JOB_FRAME];
  static const uint8_t all[4] = {0xff, 0xff, 0xff, 0xff}, left[4] = {0xff, 0x1f, 0x00, 0xe0};
  genesis(header);
  memcpy(header, all, sizeof all);
  lv06_asic_job_frame(frame, 0, header, 0xffffffffu);
  CHECK(memcmp(frame + 82, left, sizeof left) == 0);
  lv06_asic_job_frame(frame, 0, header, 0);
  CHECK(memcmp(frame + 82, all, sizeof all) == 0);
}

static void registers_are_written_as_known_firmware_does(void) {
  static const uint8_t fast_uart[] = {0x55, 0xaa, 0x51, 0x09, 0x00, 0x28, 0x11, 0x30, 0x02, 0x00, 0x03};
  static const uint8_t all_versions[] = {0x55, 0xaa, 0x51, 0x09, 0x00, 0xa4, 0x90, 0x00, 0xff, 0xff, 0x1c};
  uint8_t frame[LV06_ASIC_REGISTER_FRAME];
  lv06_asic_register_frame(frame, 0x28, 0x11300200);
  CHECK(memcmp(frame, fast_uart, sizeof frame) == 0);
  lv06_asic_register_frame(frame, LV06_ASIC_VERSION_MASK, lv06_asic_version_mask(0x1fffe000u));
  CHECK(memcmp(frame, all_versions, sizeof frame) == 0);
}

static void the_ticket_mask_is_the_power_of_two_not_above_the_target(void) {
  uint8_t target[LV06_ASIC_TARGET_SIZE] = {0, 0, 0, 0, 0xff, 0xff};
  CHECK(lv06_asic_ticket_mask(target) == 0); /* 1 */
  target[4] = 0x7f, target[5] = 0xff, target[6] = 0x80, target[7] = 1;
  CHECK(lv06_asic_ticket_mask(target) == 0); /* a little below 2 */
  target[7] = 0;
  CHECK(lv06_asic_ticket_mask(target) == 0x80); /* 2 */
  memset(target, 0, sizeof target);
  target[5] = 0xff, target[6] = 0xff;
  CHECK(lv06_asic_ticket_mask(target) == 0xff); /* 256: ff, bits reversed in each byte */
  target[7] = 1;
  CHECK(lv06_asic_ticket_mask(target) == 0xfe); /* a little below 256: 128 */
  memset(target, 0xff, sizeof target);
  CHECK(lv06_asic_ticket_mask(target) == 0);
  memset(target, 0, sizeof target);
  CHECK(lv06_asic_ticket_mask(target) == 0xfeffffffu); /* as far as the register goes */
}

/* An answer with a right CRC: its low five bits make the whole 0. */
static void answer(uint8_t frame[LV06_ASIC_RESULT_FRAME], uint8_t kind) {
  static const uint8_t bytes[10] = {0xaa, 0x55, 0x1d, 0xac, 0x2b, 0x7c, 0x00, 0x1d, 0x12, 0x34};
  memcpy(frame, bytes, sizeof bytes);
  for (unsigned crc = 0; crc < 32; crc++) {
    frame[10] = (uint8_t)(kind | crc);
    if (lv06_asic_crc5(frame + 2, 9) == 0) return;
  }
  CHECK(false);
}

static unsigned feed(lv06_asic_reader *reader, const uint8_t *bytes, size_t length, lv06_asic_nonce *found) {
  unsigned nonces = 0;
  for (size_t i = 0; i < length; i++) nonces += lv06_asic_read(reader, bytes[i], found) ? 1u : 0u;
  return nonces;
}

static void a_nonce_is_read(void) {
  lv06_asic_reader reader = {0};
  lv06_asic_nonce found = {0};
  uint8_t frame[LV06_ASIC_RESULT_FRAME];
  answer(frame, 0x80);
  CHECK(feed(&reader, frame, sizeof frame, &found) == 1);
  CHECK(found.nonce == 0x7c2bac1d && found.slot == 3 && found.version_bits == 0x1234u << 13);
}

static void the_answer_to_a_register_read_is_no_nonce(void) {
  lv06_asic_reader reader = {0};
  lv06_asic_nonce found;
  uint8_t frame[LV06_ASIC_RESULT_FRAME];
  answer(frame, 0x00);
  CHECK(feed(&reader, frame, sizeof frame, &found) == 0 && reader.damaged == 0);
}

static void every_single_bit_error_is_noticed_and_the_next_frame_is_read(void) {
  for (unsigned bit = 0; bit < 8 * LV06_ASIC_RESULT_FRAME; bit++) {
    lv06_asic_reader reader = {0};
    lv06_asic_nonce found;
    uint8_t frame[LV06_ASIC_RESULT_FRAME];
    answer(frame, 0x80);
    frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    CHECK(feed(&reader, frame, sizeof frame, &found) == 0);
    frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    CHECK(feed(&reader, frame, sizeof frame, &found) == 1);
    CHECK(reader.damaged == LV06_ASIC_RESULT_FRAME);
  }
}

static void noise_before_a_frame_is_skipped(void) {
  static const uint8_t noise[] = {0x55, 0x00, 0xaa, 0xaa, 0x13};
  lv06_asic_reader reader = {0};
  lv06_asic_nonce found;
  uint8_t frame[LV06_ASIC_RESULT_FRAME];
  answer(frame, 0x80);
  CHECK(feed(&reader, noise, sizeof noise, &found) == 0);
  CHECK(feed(&reader, frame, sizeof frame, &found) == 1);
}

int main(void) {
  checksums_have_their_check_values();
  a_job_carries_the_header_with_its_words_reversed();
  rolled_version_bits_are_sent_as_zero();
  registers_are_written_as_known_firmware_does();
  the_ticket_mask_is_the_power_of_two_not_above_the_target();
  a_nonce_is_read();
  the_answer_to_a_register_read_is_no_nonce();
  every_single_bit_error_is_noticed_and_the_next_frame_is_read();
  noise_before_a_frame_is_skipped();
  puts("asic_frame: 9 tests passed");
  return 0;
}
