/*
 * The LV06 direct-hash device core: bytes in, replies out. See ../SPEC.md.
 *
 * Portable C11: no heap, no globals, no libc beyond memcpy and memset. All state lives in one
 * `lv06_core` that the caller owns; everything that touches hardware is behind `lv06_hal`.
 * Not reentrant: call it from one task.
 */
#ifndef LV06_H
#define LV06_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LV06_PROTOCOL 1u
#define LV06_LINE_MAX 2304u        /* bytes of one line, line feed included */
#define LV06_REPLY_MAX 512u        /* bytes of one reply, line feed included */
#define LV06_BLOCK_MAX 1024u       /* bytes of one block to hash */
#define LV06_CREDIT_LINES 64u      /* requests the host may have unanswered */
#define LV06_CREDIT_BYTES 16384u   /* and their bytes */
#define LV06_CACHED_MAX 104u       /* bytes of a reply that is kept for a retry */
#define LV06_DIGEST_SIZE 32u

enum lv06_sensor {
  LV06_TEMP_C,
  LV06_VR_TEMP_C,
  LV06_POWER_W,
  LV06_CORE_MV,
  LV06_INPUT_MV,
  LV06_CURRENT_MA,
  LV06_FREQUENCY_MHZ,
  LV06_HASHRATE_GHS,
  LV06_FAN_RPM,
  LV06_FREE_HEAP_B,
  LV06_SENSORS
};

/* What the sensors say. An absent sensor is left out of HEALTH; it is never reported as 0. */
typedef struct {
  bool known[LV06_SENSORS];
  int64_t milli[LV06_SENSORS]; /* thousandths of the unit in the sensor's name */
  const char *reset_reason;    /* one word of a-z and '-', at most 32 characters, or NULL */
} lv06_readings;

/* The hardware. Every function gets `context`. None may call back into the core. */
typedef struct {
  void *context;
  /* Queues `length` bytes, always whole lines, for sending. */
  void (*write)(void *context, const uint8_t *bytes, size_t length);
  /* SHA-256 of `length` bytes. Returns false when the unit failed. `digest` may not overlap `bytes`. */
  bool (*sha256)(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]);
  /* Fills `readings`, which arrives zeroed. */
  void (*sensors)(void *context, lv06_readings *readings);
  /* Milliseconds since boot. */
  uint64_t (*clock_ms)(void *context);
  /* A number that differs from boot to boot, from a true random source. */
  uint32_t (*random)(void *context);
  const char *firmware; /* name/version, no spaces, at most 64 characters */
  const char *device;   /* the chip's own id, no spaces, at most 64 characters */
  bool simulated;       /* true in anything that is not an LV06 */
} lv06_hal;

typedef struct {
  uint16_t seq;
  uint32_t crc;
  uint8_t length; /* 0: empty */
  uint8_t text[LV06_CACHED_MAX];
} lv06_cached;

typedef struct {
  const lv06_hal *hal;
  uint32_t boot;
  size_t length; /* of `line` */
  bool overlong; /* the line outgrew `line`; what follows is dropped up to the line feed */
  uint32_t frames;
  uint32_t discarded;
  uint8_t line[LV06_LINE_MAX];
  uint8_t reply[LV06_REPLY_MAX];
  lv06_cached cache[LV06_CREDIT_LINES]; /* by seq modulo its size: every request in the window has its own place */
} lv06_core;

/* Draws the boot id and announces it with a BOOT frame. `hal` must outlive `core`. */
void lv06_start(lv06_core *core, const lv06_hal *hal);

/* Takes bytes from the line as they come; complete lines are answered before it returns. */
void lv06_feed(lv06_core *core, const uint8_t *bytes, size_t length);

#endif
