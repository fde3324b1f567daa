/*
 * The whole core, fed with arbitrary bytes. The first three say how: parts of the board that are absent, how the second run
 * cuts the input into chunks, how far the clock jumps between them. Both runs must write the same.
 */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char parts[] = "iskwblr";

static board *make(uint8_t choice) {
  char absent[sizeof parts];
  size_t length = 0;
  for (size_t i = 0; i + 1 < sizeof parts; i++) {
    if ((choice >> i & 1) != 0) absent[length++] = parts[i];
  }
  absent[length++] = 'x'; /* a restart in the middle of a chunk would make the runs differ */
  return board_new(absent, length);
}

/* Both runs let time pass at the same bytes. */
static void run(board *b, judge *j, const uint8_t *data, size_t size, size_t chunk, unsigned jump) {
  for (size_t at = 0; at < size; at += 512) {
    size_t piece = size - at < 512 ? size - at : 512;
    if (j != NULL) {
      judge_send(j, data + at, piece);
    } else {
      board_turn(b);
      for (size_t i = 0; i < piece; i += chunk) board_feed(b, data + at + i, piece - i < chunk ? piece - i : chunk);
    }
    b->clock_ms += 1u << jump;
    board_poll(b);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3) return 0;
  judge j;
  board *one = make(data[0]), *two = make(data[0]);
  judge_open(&j, one);
  run(one, &j, data + 3, size - 3, 0, data[2] % 32);
  run(two, NULL, data + 3, size - 3, 1u + data[1], data[2] % 32);
  DEMAND(board_same(one, two), "how the bytes are cut into chunks makes no difference");
  judge_close(&j);
  board_free(one);
  board_free(two);
  return 0;
}
