#include "lv06_asic_frame.h"

#include <string.h>

enum {
  TO_JOB = 0x21,          /* a job, for the one chip */
  TO_ALL_REGISTERS = 0x51 /* a register of all chips */
};

uint8_t lv06_asic_crc5(const uint8_t *bytes, size_t length) {
  unsigned crc = 0x1f;
  for (size_t i = 0; i < length; i++) {
    for (unsigned bit = 8; bit-- > 0;) {
      unsigned feedback = (crc >> 4 ^ (unsigned)bytes[i] >> bit) & 1u;
      crc = (crc << 1 & 0x1fu) ^ (feedback != 0 ? 0x05u : 0u);
    }
  }
  return (uint8_t)crc;
}

uint16_t lv06_asic_crc16(const uint8_t *bytes, size_t length) {
  unsigned crc = 0xffff;
  for (size_t i = 0; i < length; i++) {
    crc ^= (unsigned)bytes[i] << 8;
    for (unsigned bit = 0; bit < 8; bit++) crc = (crc << 1 ^ ((crc & 0x8000u) != 0 ? 0x1021u : 0u)) & 0xffffu;
  }
  return (uint16_t)crc;
}

static uint32_t read_le32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void write_le32(uint8_t *bytes, uint32_t value) {
  for (unsigned i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}

/* The chip wants the eight words of a digest last word first, each as it stands in the header. */
static void reverse_words(uint8_t to[32], const uint8_t from[32]) {
  for (size_t word = 0; word < 8; word++) memcpy(to + 4 * (7 - word), from + 4 * word, 4);
}

static uint32_t rollable(uint32_t version_mask) { return version_mask & 0xffffu << LV06_ASIC_VERSION_SHIFT; }

void lv06_asic_job_frame(uint8_t frame[LV06_ASIC_JOB_FRAME], unsigned slot, const uint8_t header[LV06_ASIC_HEADER_SIZE],
                    uint32_t version_mask) {
  memset(frame, 0, LV06_ASIC_JOB_FRAME);
  frame[0] = 0x55;
  frame[1] = 0xaa;
  frame[2] = TO_JOB;
  frame[3] = LV06_ASIC_JOB_FRAME - 2;
  frame[4] = (uint8_t)(slot % LV06_ASIC_JOB_IDS * LV06_ASIC_JOB_STEP);
  frame[5] = 1; /* midstates: the chip makes its own; the starting nonce after it stays 0 */
  memcpy(frame + 10, header + 72, 4);
  memcpy(frame + 14, header + 68, 4);
  reverse_words(frame + 18, header + 36);
  reverse_words(frame + 50, header + 4);
  write_le32(frame + 82, read_le32(header) & ~rollable(version_mask));
  uint16_t crc = lv06_asic_crc16(frame + 2, LV06_ASIC_JOB_FRAME - 4);
  frame[86] = (uint8_t)(crc >> 8);
  frame[87] = (uint8_t)crc;
}

void lv06_asic_register_frame(uint8_t frame[LV06_ASIC_REGISTER_FRAME], uint8_t address, uint32_t value) {
  const uint8_t head[] = {0x55, 0xaa, TO_ALL_REGISTERS, LV06_ASIC_REGISTER_FRAME - 2, 0, address};
  memcpy(frame, head, sizeof head);
  for (unsigned i = 0; i < 4; i++) frame[6 + i] = (uint8_t)(value >> (24 - 8 * i));
  frame[10] = lv06_asic_crc5(frame + 2, LV06_ASIC_REGISTER_FRAME - 3);
}

static uint32_t reverse_bits_of_bytes(uint32_t value) {
  value = (value >> 1 & 0x55555555u) | (value & 0x55555555u) << 1;
  value = (value >> 2 & 0x33333333u) | (value & 0x33333333u) << 2;
  return (value >> 4 & 0x0f0f0f0fu) | (value & 0x0f0f0f0fu) << 4;
}

uint32_t lv06_asic_ticket_mask(const uint8_t target[LV06_ASIC_TARGET_SIZE]) {
  uint8_t bound[LV06_ASIC_TARGET_SIZE] = {0, 0, 0, 0, 0xff, 0xff}; /* difficulty 1 */
  uint32_t mask = 0;
  for (unsigned power = 1; power < 32; power++) {
    for (size_t i = LV06_ASIC_TARGET_SIZE; i-- > 1;) bound[i] = (uint8_t)(bound[i] >> 1 | bound[i - 1] << 7);
    bound[0] = (uint8_t)(bound[0] >> 1);
    if (memcmp(target, bound, LV06_ASIC_TARGET_SIZE) > 0) break;
    mask = mask << 1 | 1u;
  }
  return reverse_bits_of_bytes(mask);
}

uint32_t lv06_asic_version_mask(uint32_t version_mask) {
  return 0x90000000u | rollable(version_mask) >> LV06_ASIC_VERSION_SHIFT;
}

static bool is_start(const lv06_asic_reader *reader) {
  return reader->bytes[0] == 0xaa && (reader->length < 2 || reader->bytes[1] == 0x55);
}

/* Drops the first byte, and all after it that begin no frame. */
static void skip(lv06_asic_reader *reader) {
  do {
    reader->length--;
    reader->damaged++;
    memmove(reader->bytes, reader->bytes + 1, reader->length);
  } while (reader->length > 0 && !is_start(reader));
}

bool lv06_asic_read(lv06_asic_reader *reader, uint8_t byte, lv06_asic_nonce *found) {
  reader->bytes[reader->length++] = byte;
  if (!is_start(reader)) skip(reader);
  if (reader->length < LV06_ASIC_RESULT_FRAME) return false;
  if (lv06_asic_crc5(reader->bytes + 2, LV06_ASIC_RESULT_FRAME - 2) != 0) {
    skip(reader);
    return false;
  }
  reader->length = 0;
  const uint8_t *bytes = reader->bytes;
  found->nonce = read_le32(bytes + 2);
  found->slot = (unsigned)bytes[7] / LV06_ASIC_JOB_STEP % LV06_ASIC_JOB_IDS;
  found->version_bits = ((uint32_t)bytes[8] << 8 | bytes[9]) << LV06_ASIC_VERSION_SHIFT;
  return (bytes[10] & 0x80u) != 0; /* else the answer to a register read */
}
