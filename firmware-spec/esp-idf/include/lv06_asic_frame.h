/*
 * Frames on the wire between an ESP32-S3 and a BM1366. Pure: no hardware, no allocation; tested on the host.
 * The layout is what public firmware for this chip sends and reads; no datasheet is public.
 */
#ifndef LV06_ASIC_FRAME_H
#define LV06_ASIC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  LV06_ASIC_HEADER_SIZE = 80,
  LV06_ASIC_TARGET_SIZE = 32,
  LV06_ASIC_JOB_FRAME = 88,
  LV06_ASIC_REGISTER_FRAME = 11,
  LV06_ASIC_RESULT_FRAME = 11,
  LV06_ASIC_TICKET_MASK = 0x14,  /* register: reports nonces whose hash has these further bits zero */
  LV06_ASIC_VERSION_MASK = 0xa4, /* register: which of the 16 version bits are rolled */
  LV06_ASIC_VERSION_SHIFT = 13,
  LV06_ASIC_JOB_STEP = 8, /* job ids lie in bits 3 to 6; the low three come back as the small core's number */
  LV06_ASIC_JOB_IDS = 16
};

/* x^5 + x^2 + 1, most significant bit first, initial value 1f. Over a whole answer, its CRC included, it is 0. */
uint8_t lv06_asic_crc5(const uint8_t *bytes, size_t length);

/* CRC-16/IBM-3740: x^16 + x^12 + x^5 + 1, most significant bit first, initial value ffff. */
uint16_t lv06_asic_crc16(const uint8_t *bytes, size_t length);

/*
 * A job for `header` (as hashed). The version's bits 13 to 28 that are in `version_mask` are sent as 0: the chip puts its own
 * there. `slot` is 0 to 15.
 */
void lv06_asic_job_frame(uint8_t frame[LV06_ASIC_JOB_FRAME], unsigned slot, const uint8_t header[LV06_ASIC_HEADER_SIZE],
                    uint32_t version_mask);

/* Sets a register of every chip on the line. */
void lv06_asic_register_frame(uint8_t frame[LV06_ASIC_REGISTER_FRAME], uint8_t address, uint32_t value);

/* Value of the ticket mask for the largest power-of-two difficulty that is not above that of `target`. */
uint32_t lv06_asic_ticket_mask(const uint8_t target[LV06_ASIC_TARGET_SIZE]);

/* Value of the version mask register for a mask of the header's version. */
uint32_t lv06_asic_version_mask(uint32_t version_mask);

typedef struct {
  unsigned slot;         /* of the job it answers */
  uint32_t nonce;        /* as a number: little-endian in the header */
  uint32_t version_bits; /* rolled bits, in place */
} lv06_asic_nonce;

typedef struct {
  uint8_t bytes[LV06_ASIC_RESULT_FRAME];
  size_t length;
  uint32_t damaged; /* bytes skipped in search of a frame */
} lv06_asic_reader;

/* Takes one byte from the chip. True when it ended a nonce; answers to register reads are passed over. */
bool lv06_asic_read(lv06_asic_reader *reader, uint8_t byte, lv06_asic_nonce *found);

#endif
