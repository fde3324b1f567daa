#include "bm1366_frame.h"

#include "../core/bytes.h"
#include "../core/mem.h"

enum { RESPONSE_JOB = 0x80, MIDSTATES = 1 };

uint8_t bm1366_crc5(const uint8_t *bytes, size_t bits) {
  unsigned crc = 0x1f;
  for (size_t i = 0; i < bits; i++) {
    unsigned in = ((unsigned)bytes[i / 8u] >> (7u - i % 8u)) & 1u;
    unsigned out = (crc >> 4) ^ in;
    crc = ((crc << 1) & 0x1fu) ^ (out != 0 ? 0x05u : 0u);
  }
  return (uint8_t)crc;
}

uint16_t bm1366_crc16(const uint8_t *bytes, size_t length) {
  unsigned crc = 0xffff;
  for (size_t i = 0; i < length; i++) {
    crc ^= (unsigned)bytes[i] << 8;
    for (unsigned bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc & 0x8000u) != 0 ? 0x1021u : 0u);
    crc &= 0xffffu;
  }
  return (uint16_t)crc;
}

uint32_t bm1366_nonce(uint32_t counter) {
  uint8_t bytes[4];
  lv06_store_be(bytes, counter);
  return lv06_load_le(bytes);
}

/* The header's nineteen words before the nonce, last word first: the packet carries them so. */
static void reverse_words(const uint8_t *from, uint8_t *to) {
  for (size_t i = 0; i < 19; i++) memcpy(to + 4u * i, from + 4u * (18u - i), 4);
}

/* nbits, ntime, Merkle root, previous hash and version lie in the packet as the reversed header. */
void bm1366_job_encode(const bm1366_job *job, uint8_t packet[BM1366_JOB]) {
  static const uint8_t head[4] = {0x55, 0xaa, BM1366_TYPE_JOB, BM1366_JOB - 2};
  memcpy(packet, head, sizeof head);
  packet[4] = job->job_id;
  packet[5] = MIDSTATES;
  lv06_store_be(packet + 6, bm1366_nonce(job->starting_nonce));
  reverse_words(job->header, packet + 10);
  uint16_t crc = bm1366_crc16(packet + 2, BM1366_JOB - 4);
  packet[BM1366_JOB - 2] = (uint8_t)(crc >> 8);
  packet[BM1366_JOB - 1] = (uint8_t)crc;
}

static bool begins(const uint8_t *packet, unsigned type, unsigned length) {
  return packet[0] == 0x55 && packet[1] == 0xaa && packet[2] == type && packet[3] == length - 2u;
}

bool bm1366_job_decode(const uint8_t packet[BM1366_JOB], bm1366_job *job) {
  if (!begins(packet, BM1366_TYPE_JOB, BM1366_JOB)) return false;
  /* A CRC over data and its own CRC leaves nothing. */
  if (bm1366_crc16(packet + 2, BM1366_JOB - 2) != 0) return false;
  job->job_id = packet[4];
  job->starting_nonce = bm1366_nonce(lv06_load_be(packet + 6));
  reverse_words(packet + 10, job->header);
  memset(job->header + 76, 0, 4);
  return true;
}

void bm1366_write_encode(uint8_t reg, uint32_t value, uint8_t packet[BM1366_WRITE]) {
  static const uint8_t head[5] = {0x55, 0xaa, BM1366_TYPE_WRITE, BM1366_WRITE - 2, 0};
  memcpy(packet, head, sizeof head);
  packet[5] = reg;
  lv06_store_be(packet + 6, value);
  packet[10] = bm1366_crc5(packet + 2, 8u * 8u);
}

bool bm1366_write_decode(const uint8_t packet[BM1366_WRITE], uint8_t *reg, uint32_t *value) {
  if (!begins(packet, BM1366_TYPE_WRITE, BM1366_WRITE)) return false;
  if (packet[10] != bm1366_crc5(packet + 2, 8u * 8u)) return false;
  *reg = packet[5];
  *value = lv06_load_be(packet + 6);
  return true;
}

void bm1366_result_encode(const bm1366_result *result, uint8_t frame[BM1366_RESULT]) {
  uint32_t version = result->version_bits >> 13;
  frame[0] = 0xaa;
  frame[1] = 0x55;
  lv06_store_be(frame + 2, result->counter);
  frame[6] = 0;
  frame[7] = (uint8_t)(result->job_id | result->small_core);
  frame[8] = (uint8_t)(version >> 8);
  frame[9] = (uint8_t)version;
  frame[10] = RESPONSE_JOB;
  /* Eight bytes, and the three bits before the checksum in its own byte. */
  frame[10] = (uint8_t)(RESPONSE_JOB | bm1366_crc5(frame + 2, 8u * 8u + 3u));
}

bool bm1366_result_decode(const uint8_t frame[BM1366_RESULT], bm1366_result *result) {
  if (frame[0] != 0xaa || frame[1] != 0x55 || (frame[10] & RESPONSE_JOB) == 0) return false;
  if (bm1366_crc5(frame + 2, 9u * 8u) != 0) return false;
  result->counter = lv06_load_be(frame + 2);
  result->job_id = frame[7] & 0xf8u;
  result->small_core = frame[7] & 0x07u;
  result->version_bits = (((uint32_t)frame[8] << 8) | frame[9]) << 13;
  return true;
}

/* The register holds each byte of the mask with its bits reversed. */
static uint32_t reverse_bits(uint32_t mask) {
  uint32_t value = 0;
  for (unsigned i = 0; i < 32; i++) {
    if (((mask >> i) & 1u) != 0) value |= (uint32_t)1 << (8u * (i / 8u) + 7u - i % 8u);
  }
  return value;
}

uint32_t bm1366_ticket_encode(unsigned log2) { return reverse_bits(((uint32_t)1 << log2) - 1u); }

bool bm1366_ticket_decode(uint32_t value, unsigned *log2) {
  uint32_t mask = reverse_bits(value);
  if ((mask & (mask + 1u)) != 0 || mask == 0xffffffffu) return false;
  *log2 = 0;
  while ((mask >> *log2) != 0) (*log2)++;
  return true;
}
