#include "lane.h"

enum { PACKET = 64, BITS = 10, PER_SECOND = 2000, RENEW = 1 << 20 };
static const uint64_t second_ns = 1000000000;

int64_t lane_due_ns(const lane *l, uint32_t baud) {
  return l->epoch_ns + (int64_t)(l->bytes * BITS * second_ns / baud);
}

void lane_move(lane *l, uint32_t baud, int64_t ready_ns, size_t length) {
  int64_t free_ns = lane_due_ns(l, baud);
  if (ready_ns > free_ns || l->bytes > RENEW) {
    l->epoch_ns = ready_ns > free_ns ? ready_ns : free_ns;
    l->bytes = 0;
  }
  l->bytes += length;
}

size_t lane_packet(uint32_t baud) {
  size_t packets = baud / (BITS * PACKET * PER_SECOND);
  return packets > 0 ? packets * PACKET : PACKET;
}
