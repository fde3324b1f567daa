/*
 * Bytes between the pseudo-terminal and the device, in both directions: at once, or at the line's rate; as they are,
 * or as a UART reads them when the host has set another rate.
 */
#ifndef LV06_MODEL_PUMP_H
#define LV06_MODEL_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lane.h"

enum { PUMP_IN = 4096, PUMP_OUT = 32768 };

/* The device behind the line. Every function gets `context`. */
typedef struct {
  void *context;
  void (*feed)(void *context, const uint8_t *bytes, size_t length);
  /* Lets time pass. Returns microseconds until it wants to be called again; UINT64_MAX: not before a feed. */
  uint64_t (*poll)(void *context);
  /* All that was written before `pump_restart` has left. */
  void (*restart)(void *context);
  /* Returns false to end. */
  bool (*signal)(void *context, unsigned signal);
  size_t reply_max; /* most bytes that one feed of a line may write */
} pump_device;

typedef struct {
  int fd;
  pump_device device;
  bool uart, paced;
  uint32_t rate; /* in baud; 0 on native USB that is not paced */
  uint32_t next_rate;
  uint64_t written, sent; /* bytes since the start or reset */
  uint64_t switch_at, restart_at; /* as counted in `sent`; UINT64_MAX: nothing to do */
  lane in_lane, out_lane;
  int64_t out_ready_ns;  /* when the first byte behind an empty line was written */
  size_t on_wire, moved; /* of `out`: bytes that move, and before them bytes that have */
  bool in_flood;         /* the host had more to say than a packet */
  size_t in_at, in_length, out_length;
  uint8_t in[PUMP_IN];
  uint8_t out[PUMP_OUT];
} pump;

/* `rate`: 0 without a rate. `uart`: the host's rate counts. `paced`: bytes take their time. */
void pump_start(pump *p, int fd, const pump_device *device, uint32_t rate, bool uart, bool paced);
/* The device's write: keeps whole replies together, so that one write(2) carries as many as there are. */
void pump_write(pump *p, const uint8_t *bytes, size_t length);
/* Another rate, or a restart, once all that was written has left; what was received before it is dropped. */
void pump_set_rate(pump *p, uint32_t baud);
void pump_restart(pump *p);
/* Power fails: what is under way either way is lost, and the rate is `rate`. */
void pump_reset(pump *p, uint32_t rate);
/* Runs until the device's `signal` says so. Returns 0, or errno of what went wrong. */
int pump_run(pump *p, int signal_fd);
int64_t pump_now_ns(void);

#endif
