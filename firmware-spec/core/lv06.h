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

#include "ahead.h"
#include "image.h"
#include "lv06_limits.h"

enum lv06_sensor {
  LV06_TEMP_C,
  LV06_VR_TEMP_C,
  LV06_POWER_W,
  LV06_CORE_MV,
  LV06_INPUT_MV,
  LV06_CURRENT_MA,
  LV06_FREQUENCY_MHZ,
  LV06_HASHRATE_GHS,
  LV06_ERRORS,
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

/* What the ASIC is to search (SPEC 5.6). */
typedef struct {
  uint8_t header[LV06_HEADER_SIZE]; /* as hashed; the nonce bytes are zero */
  uint8_t target[LV06_DIGEST_SIZE]; /* most significant byte first */
  uint32_t version_mask;            /* bits of the version that may be changed */
} lv06_job;

typedef enum {
  LV06_WORK_NOTHING, /* no news */
  LV06_WORK_NONCE,   /* a nonce and a version, unchecked: the core verifies it */
  LV06_WORK_EXHAUSTED,
  LV06_WORK_FAILED /* the ASIC does not answer, or had to be protected */
} lv06_work_news;

typedef struct {
  uint32_t nonce, version;
} lv06_nonce;

/*
 * The hardware. Every function gets `context`; none may call back into the core. A pointer marked
 * "or NULL" stands for something the board lacks: HELLO then does not announce it.
 */
typedef struct {
  void *context;
  /* Queues `length` bytes, always one whole line, for sending; a line feed first if a log line was left open. */
  void (*write)(void *context, const uint8_t *bytes, size_t length);
  /* SHA-256 of `length` bytes. Returns false when the unit failed. `digest` may not overlap `bytes`. */
  bool (*sha256)(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]);
  /* Raw deflate (RFC 1951) → bytes made; 0 if the stream is damaged, unfinished, followed by anything, or makes
   * more than `capacity`. Or NULL. `lv06_inflate` of inflate.h will do where the ROM has none. */
  size_t (*inflate)(void *context, const uint8_t *in, size_t length, uint8_t *out, size_t capacity);
  /* Fills `readings`, which arrives zeroed. Or NULL. */
  void (*sensors)(void *context, lv06_readings *readings);
  /* Milliseconds since boot. */
  uint64_t (*clock_ms)(void *context);
  /* A number that differs from boot to boot, from a true random source. */
  uint32_t (*random)(void *context);
  /* HMAC-SHA-256 under the device's key (SPEC 5.7). Or NULL where none is provisioned. */
  bool (*hmac)(void *context, const uint8_t *message, size_t length, uint8_t mac[LV06_DIGEST_SIZE]);
  /* Begins a search, instead of the one before. False if the ASIC is not free; the one before then goes on. Or NULL,
   * then the next three too. */
  bool (*work_start)(void *context, const lv06_job *job);
  void (*work_stop)(void *context);
  lv06_work_news (*work_poll)(void *context, lv06_nonce *found);
  uint64_t (*work_hashes)(void *context); /* tried since work_start, estimated */
  /* Has the line's rate changed once all that was written has left it: at once, waiting for that, or later. What the
   * line receives before the change is dropped by the board. Or NULL on native USB, then the next one too. */
  void (*set_rate)(void *context, uint32_t baud);
  /* The rate that the line has now: it tells the core when the change has happened. */
  uint32_t (*rate)(void *context);
  /* The board's own log, 0 none to 5 verbose. Or NULL. */
  void (*log_level)(void *context, unsigned level);
  /* Restarts the device once all that was written has left, within 100 ms. Or NULL. */
  void (*restart)(void *context);
  const uint32_t *rates; /* rates that set_rate takes, ascending */
  size_t rate_count;     /* at most LV06_RATES_MAX */
  uint8_t *raster;       /* pixels of an image, may lie in slow memory; or NULL */
  size_t raster_size;
  const char *firmware; /* name/version, no spaces, at most 64 characters */
  const char *device;   /* the chip's own id, no spaces, at most 64 characters */
  bool simulated;       /* true in anything that is not an LV06 */
} lv06_hal;

typedef enum { LV06_NONE, LV06_RUNNING, LV06_FOUND, LV06_EXPIRED, LV06_EXHAUSTED, LV06_STOPPED, LV06_FAILED } lv06_state;

/* The search of SPEC 5.6, the last one after it has ended. */
typedef struct {
  lv06_state state;
  bool ended; /* by itself, and no notice has said so */
  uint32_t id, deadline_ms;
  uint64_t start_ms, notice_ms; /* when it began, and when its next notice is due */
  uint64_t elapsed_ms, hashes;  /* of a search that has ended */
  uint32_t reports, errors;     /* nonces that the ASIC reported, and those of them that did not verify */
  uint64_t all_errors;          /* since boot */
  lv06_job job;
  lv06_nonce nonce;
  bool has_mac;
  uint8_t mac[LV06_DIGEST_SIZE];
} lv06_search;

/* The line's rate (SPEC 5.9). */
typedef struct {
  uint32_t now, before; /* `before`: to go back to while `trying` */
  bool switching;       /* `now` was asked for, and the board's line is not known to have it yet */
  bool trying;
  uint64_t switched_ms, heard_ms; /* `heard_ms`: the last good frame, or the start */
} lv06_rate;

/* What one request needs while it is worked off. */
typedef union {
  lv06_tree tree; /* BATCH root */
#if LV06_INFLATE_MAX > 0
  uint8_t inflated[LV06_INFLATE_MAX]; /* IMAGE ROWS deflate */
#endif
} lv06_scratch;

typedef struct {
  const lv06_hal *hal;
  uint32_t boot;
  size_t reply_max; /* longest line that device and host agree on for replies */
  size_t length;    /* bytes of the line so far, with the CR that does not count */
  bool overlong;
  bool over; /* RESET has been answered: the board restarts */
  uint32_t discarded; /* lines that began with '~' but were no frames; since boot */
#if !LV06_MINIMAL
  lv06_search search;
  lv06_rate rate;
  uint64_t nak_due_ms[LV06_NAKS_A_SECOND]; /* of the last NAKs: a second after each was sent */
  unsigned nak_next;                       /* the one that is the longest ago */
  lv06_image image;
  lv06_ahead ahead;
  lv06_scratch scratch;
#endif
  uint8_t line[LV06_LINE_MAX];
  uint8_t reply[LV06_REPLY_MAX];
} lv06_core;

/* Boots: sends the BOOT notice. `hal` must outlive `core`. */
void lv06_start(lv06_core *core, const lv06_hal *hal);
/* Takes bytes as they come from the line, in chunks of any size; answers through `hal->write`. Drops what stands behind a
 * request that changes the rate or restarts the device. */
void lv06_feed(lv06_core *core, const uint8_t *bytes, size_t length);
/* Does what time asks for: searches, their notices and deadlines, the rate that was not confirmed. Call it from the
 * board's loop, after every lv06_feed and whenever the ASIC has spoken. Returns the milliseconds after which it wants
 * to be called again; UINT32_MAX: not before the next lv06_feed. */
uint32_t lv06_poll(lv06_core *core);

#endif
