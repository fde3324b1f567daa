/*
 * The model's board as a WebAssembly module: no system below it, the host's clock, and as much randomness as the host
 * gives. Simulated, as everywhere. Times are microseconds as doubles, exact for 285 years.
 */
#include "board.h"

#include "../core/mem.h"
#include "garble.h"

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("host"), import_name(name)))
#else /* compiled for its warnings only */
#define EXPORT(name)
#define IMPORT(name)
#endif

enum { INPUT = 4096, OUTPUT = 1 << 18 };
enum { FLAG_UART = 1, FLAG_NO_KEY = 2, FLAG_BANNER = 4 };

IMPORT("nowUs") extern double host_now_us(void);
IMPORT("random") extern uint32_t host_random(void);

static model_board board;
static uint8_t input[INPUT], output[OUTPUT], seen[OUTPUT];
static size_t output_length;
static uint32_t rate, next_rate, host_rate; /* in baud; 0 on native USB */
static bool restarting;

#ifdef LV06_FREESTANDING
/* With bulk memory these are one instruction each. */
void *memcpy(void *restrict to, const void *restrict from, size_t length) { return __builtin_memcpy(to, from, length); }
void *memset(void *to, int value, size_t length) { return __builtin_memset(to, value, length); }
#endif

static void write_output(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  if (length > sizeof output - output_length) return;
  memcpy(output + output_length, bytes, length);
  output_length += length;
}

static uint64_t now_us(void *context) {
  (void)context;
  return (uint64_t)host_now_us();
}

static uint32_t draw(void *context) {
  (void)context;
  return host_random();
}

static void set_rate(void *context, uint32_t baud) {
  (void)context;
  next_rate = baud;
}

static uint32_t present_rate(void *context) {
  (void)context;
  return rate;
}

static void restart(void *context) {
  (void)context;
  restarting = true;
}

static void boot(model_boot_reason reason) {
  output_length = 0;
  restarting = false;
  rate = next_rate = board.hal.set_rate == NULL ? 0 : LV06_START_RATE;
  model_board_boot(&board, reason);
}

EXPORT("init") void wasm_init(uint32_t seed, uint32_t flags, double hashrate_ghs, double work_scale, uint32_t steps) {
  const bool uart = (flags & FLAG_UART) != 0;
  const model_platform platform = {NULL, write_output, now_us, draw, uart ? set_rate : NULL,
                                   present_rate, restart};
  model_options options = model_options_default(seed);
  options.hashrate_ghs = hashrate_ghs;
  options.work_scale = work_scale;
  options.steps = steps;
  options.has_key = (flags & FLAG_NO_KEY) == 0;
  options.banner = (flags & FLAG_BANNER) != 0;
  output_length = 0;
  restarting = false;
  rate = next_rate = host_rate = uart ? LV06_START_RATE : 0;
  model_board_start(&board, &options, &platform);
}

/* Where `feed` takes its bytes from, and how many at most. */
EXPORT("input") uint8_t *wasm_input(void) { return input; }
EXPORT("inputSize") uint32_t wasm_input_size(void) { return INPUT; }
EXPORT("feed") void wasm_feed(uint32_t length) {
  uint8_t heard[64];
  if (length > INPUT) length = INPUT;
  if (host_rate == rate) {
    model_board_feed(&board, input, length);
    return;
  }
  for (uint32_t i = 0; i < length; i++) {
    model_board_feed(&board, heard, model_garble(input[i], host_rate, rate, heard, sizeof heard));
  }
}

/* Microseconds until it wants to be called again; below 0: not before a feed. */
EXPORT("poll") double wasm_poll(void) {
  if (restarting && output_length == 0) boot(MODEL_SOFTWARE);
  uint64_t wait_us = model_board_poll(&board);
  if (restarting) return 0;
  return wait_us == UINT64_MAX ? -1 : (double)wait_us;
}

/* Where the bytes lie that `take` took. */
EXPORT("output") const uint8_t *wasm_output(void) { return seen; }

/* What was written leaves the device, as the host's end reads it; what waited for that happens. Returns its length. */
EXPORT("take") uint32_t wasm_take(void) {
  size_t length = 0;
  if (host_rate == rate) {
    memcpy(seen, output, output_length);
    length = output_length;
  } else {
    for (size_t i = 0; i < output_length; i++) {
      length += model_garble(output[i], rate, host_rate, seen + length, sizeof seen - length);
    }
  }
  output_length = 0;
  rate = next_rate;
  return (uint32_t)length;
}

EXPORT("rate") uint32_t wasm_rate(void) { return rate; }

/* The host sets its end to another rate; on native USB that changes nothing. */
EXPORT("setHostRate") void wasm_set_host_rate(uint32_t baud) {
  if (rate != 0 && baud != 0) host_rate = baud;
}

/* `reason` as in model_boot_reason: 0 power-on, 1 brownout, 2 panic, 3 software. */
EXPORT("reboot") void wasm_reboot(uint32_t reason) {
  if (reason < MODEL_BOOT_REASONS) boot((model_boot_reason)reason);
}

EXPORT("setWork") void wasm_set_work(double hashrate_ghs, double work_scale) {
  model_board_set_work(&board, hashrate_ghs, work_scale);
}
