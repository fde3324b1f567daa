/*
 * One direction of a line that moves bytes at a rate: due times count from the start of a busy period, so that waking
 * late never slows the line down. Times are in nanoseconds.
 */
#ifndef LV06_MODEL_LANE_H
#define LV06_MODEL_LANE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
  int64_t epoch_ns; /* when the busy period began */
  uint64_t bytes;   /* moved since then */
} lane;

/* When the last byte has moved: the line is free from then on. At 10 bits a byte. */
int64_t lane_due_ns(const lane *l, uint32_t baud);
/* Begins to move `length` bytes that were ready at `ready_ns`: at once, or when those before have moved. */
void lane_move(lane *l, uint32_t baud, int64_t ready_ns, size_t length);
/* How many bytes move at a time: a USB full-speed packet's 64, or as many of them as half a millisecond takes. */
size_t lane_packet(uint32_t baud);

#endif
