/* Feeds a board line by line and checks each answer against SPEC.md: framing, numbers, digests, roots, the image. */
#ifndef LV06_JUDGE_H
#define LV06_JUDGE_H

#include "board.h"

typedef struct {
  board *b;
  /* Bytes since the last line feed. */
  uint8_t *pending;
  size_t length, capacity;
  unsigned turns; /* of the board, that are known here */
  size_t agreed; /* longest line with a payload: what the host and the core said */
  /* What the image must be. */
  bool present;
  uint8_t id[4];
  size_t width, height;
  uint8_t pixels[BOARD_RASTER];
  bool arrived[LV06_IMAGE_SIDE];
} judge;

void judge_open(judge *j, board *b);
void judge_close(judge *j);
void judge_send(judge *j, const uint8_t *bytes, size_t length);

/* Within the judge: the request and the answer at hand. */
extern oracle_frame judge_request, judge_answer;
/* Digests, leaves of the tree. */
extern uint8_t judge_leaves[BOARD_RASTER + LV06_LINE_MAX][LV06_DIGEST_SIZE];
/* RFC 9162 §2.1.1, as it is defined: from the top down. */
void judge_merkle(size_t first, size_t count, uint8_t root[LV06_DIGEST_SIZE]);
void judge_digest(part word, const uint8_t expected[LV06_DIGEST_SIZE]);
void judge_digests(size_t first, size_t count);
/* An IMAGE request was answered with OK, with MISSING. */
void judge_image(judge *j);
void judge_missing(const judge *j);

#endif
