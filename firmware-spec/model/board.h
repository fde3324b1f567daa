/*
 * The model's board: the core, a BM1366, sensors and a key, wired as the HAL wants them. Portable; the same in the
 * Linux process and in WebAssembly. Always simulated.
 */
#ifndef LV06_MODEL_BOARD_H
#define LV06_MODEL_BOARD_H

#include "../core/lv06.h"
#include "asic.h"
#include "sensors.h"

/* What carries the board. Every function gets `context`. */
typedef struct {
  void *context;
  void (*write)(void *context, const uint8_t *bytes, size_t length);
  uint64_t (*now_us)(void *context); /* never goes back */
  uint32_t (*random)(void *context);
  void (*set_rate)(void *context, uint32_t baud); /* as the HAL's; or NULL, on native USB */
  uint32_t (*rate)(void *context);                /* as the HAL's */
  void (*restart)(void *context);                 /* calls model_board_boot once all that was written has left */
} model_platform;

typedef struct {
  uint32_t seed;
  double hashrate_ghs;
  double work_scale; /* a share of difficulty d takes the time of one of d × this; 0: as fast as the CPU finds it */
  uint32_t steps;    /* counters of a small core, at most BM1366_STEPS */
  bool has_key, banner;
  uint8_t key[LV06_DIGEST_SIZE];
} model_options;

/* A share of difficulty 2^-20 takes a second at 433.6 GH/s. */
#define MODEL_HASHRATE_GHS 433.6
#define MODEL_WORK_SCALE 105859375.0

typedef enum {
  MODEL_POWER_ON,
  MODEL_BROWNOUT,
  MODEL_PANIC,
  MODEL_SOFTWARE,
  MODEL_BOOT_REASONS
} model_boot_reason;

enum { MODEL_RASTER = 1 << 20 };

/* Longest that a board writes at once besides one reply: boot text and BOOT notice, or log and notices. */
enum { MODEL_SPARE = 4096 };

typedef struct {
  model_options options;
  model_platform platform;
  lv06_hal hal;
  lv06_core core;
  model_asic asic;
  model_sensors sensors;
  model_boot_reason reason;
  uint64_t boot_us;
  unsigned log_level;
  uint64_t random;
  char device[32];
  uint8_t raster[MODEL_RASTER];
} model_board;

/* What the options are when nobody says otherwise, the key among them: derived from the seed. */
model_options model_options_default(uint32_t seed);
/* Power on. `board` may be moved nowhere afterwards. */
void model_board_start(model_board *board, const model_options *options, const model_platform *platform);
/* Starts again: everything but the board's warmth is lost. A panic and a brown-out say so in boot text; the others
 * do with `banner`. */
void model_board_boot(model_board *board, model_boot_reason reason);
void model_board_feed(model_board *board, const uint8_t *bytes, size_t length);
/* Does what time asks for. Returns microseconds until it wants to be called again; UINT64_MAX: not before a feed. */
uint64_t model_board_poll(model_board *board);
/* Another speed, from the next search on. */
void model_board_set_work(model_board *board, double hashrate_ghs, double work_scale);

#endif
