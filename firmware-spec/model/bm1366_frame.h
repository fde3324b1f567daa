/*
 * The bytes on the BM1366's serial line, both ways: job packets and register writes to it, results from it. The layout
 * is that of BM1366 firmware (ESP-Miner's bm1366.c); everything here is plain bytes, so that other code can be checked
 * against it.
 */
#ifndef LV06_MODEL_BM1366_FRAME_H
#define LV06_MODEL_BM1366_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  BM1366_TYPE_JOB = 0x21,
  BM1366_TYPE_WRITE = 0x51, /* to all chips */
  BM1366_HEADER = 80,
  BM1366_JOB = 88,    /* 55 AA, header, length, 82 bytes, CRC-16 */
  BM1366_WRITE = 11,  /* 55 AA, header, length, chip, register, 4 bytes, CRC-5 */
  BM1366_RESULT = 11, /* AA 55, nonce, midstate, id, version, CRC-5 */
  BM1366_TICKET_MASK = 0x14,
  BM1366_VERSION_MASK = 0xa4,
  BM1366_JOB_STEP = 8, /* job ids are multiples of it, below 128 */
  BM1366_JOB_IDS = 128
};

#define BM1366_VERSION_BITS 0x1fffe000u /* the bits of a version that the chip can roll */

typedef struct {
  uint8_t job_id;
  uint32_t starting_nonce;
  uint8_t header[BM1366_HEADER]; /* as hashed; its nonce is not sent */
} bm1366_job;

typedef struct {
  uint8_t job_id;
  uint8_t small_core;    /* 0 to 7, of its core */
  uint32_t counter;      /* most significant byte first on the line: core in bits 25-31, chip in bits 17-24 */
  uint32_t version_bits; /* within BM1366_VERSION_BITS */
} bm1366_result;

/* CRC-5 (x^5 + x^2 + 1, ones at the start, most significant bit first) of the first `bits` bits. */
uint8_t bm1366_crc5(const uint8_t *bytes, size_t bits);
/* CRC-16/CCITT-FALSE. */
uint16_t bm1366_crc16(const uint8_t *bytes, size_t length);

void bm1366_job_encode(const bm1366_job *job, uint8_t packet[BM1366_JOB]);
/* Returns false for anything but an undamaged job packet. */
bool bm1366_job_decode(const uint8_t packet[BM1366_JOB], bm1366_job *job);

/* A write of `value` to a register of all chips. */
void bm1366_write_encode(uint8_t reg, uint32_t value, uint8_t packet[BM1366_WRITE]);
bool bm1366_write_decode(const uint8_t packet[BM1366_WRITE], uint8_t *reg, uint32_t *value);

void bm1366_result_encode(const bm1366_result *result, uint8_t frame[BM1366_RESULT]);
/* Returns false for anything but an undamaged job result. */
bool bm1366_result_decode(const uint8_t frame[BM1366_RESULT], bm1366_result *result);

/* The value of the ticket mask register that lets through shares of difficulty 2^log2, 0 to 31. */
uint32_t bm1366_ticket_encode(unsigned log2);
/* The other way round; false if the mask has holes. */
bool bm1366_ticket_decode(uint32_t value, unsigned *log2);

/* The nonce as a number, of a header that was hashed with this counter. */
uint32_t bm1366_nonce(uint32_t counter);

#endif
