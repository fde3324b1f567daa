/* Bytes between the pseudo-terminal and the core, in both directions, at the line's rate if one is set. */
#ifndef LV06_MODEL_PUMP_H
#define LV06_MODEL_PUMP_H

#include <stddef.h>
#include <stdint.h>

#include "../core/lv06.h"

enum { PUMP_IN = 4096, PUMP_OUT = 16384 };

typedef struct {
  int fd;
  unsigned baud; /* 0: as fast as it goes */
  int64_t in_due_ns, out_due_ns;
  size_t in_at, in_length, out_length;
  uint8_t in[PUMP_IN];
  uint8_t out[PUMP_OUT];
} pump;

void pump_start(pump *p, int fd, unsigned baud);
/* The core's write: keeps whole replies together, so that one write(2) carries as many as there are. */
void pump_write(pump *p, const uint8_t *bytes, size_t length);
/* Runs until `stop_fd` is readable. Returns 0, or errno of what went wrong. */
int pump_run(pump *p, lv06_core *core, int stop_fd);
int64_t pump_now_ns(void);

#endif
