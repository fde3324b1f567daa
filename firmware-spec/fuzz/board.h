/* A board whose hardware does what the fuzzer's input says, and that judges all that the core does with it. */
#ifndef LV06_FUZZ_BOARD_H
#define LV06_FUZZ_BOARD_H

#include "../core/lv06.h"
#include "oracle.h"

#define BOARD_RASTER 512
#define BOARD_NEWS 64

typedef struct {
  lv06_core *core; /* on the heap, so that the sanitizer sees its edges; like the raster */
  lv06_hal hal;
  uint8_t *raster;
  uint64_t clock_ms;
  uint32_t boot, starts;
  /* Failures: the next calls, counted down. */
  unsigned sha_fails, inflate_fails, hmac_fails, busy;
  /* The ASIC. */
  bool searching;
  lv06_job job;
  uint64_t hashes;
  bool judged;             /* somebody keeps `search_id` */
  uint8_t search_id[8];    /* of the search that was begun last; zeros: none */
  uint8_t search_end[256]; /* how it ended, in the words of the first frame that told so */
  size_t search_end_length;
  size_t news_count, news_at;
  struct {
    lv06_work_news what;
    lv06_nonce nonce;
  } news[BOARD_NEWS];
  uint32_t rate, next_rate;
  unsigned turns; /* changes of the rate that have happened */
  bool restart;
  /* What was written. */
  uint8_t *out;
  size_t out_length, out_capacity, lines;
  part last; /* the last line, without its line feed; lies in `out` */
} board;

/* `absent` names parts the board has not: i inflate, s sensors, k key, w work, b baud, l log, r raster, x restart. */
board *board_new(const char *absent, size_t absent_length);
void board_free(board *b);
/* Starts the core anew, with another boot id. */
void board_start(board *b);
/* Feeds bytes, starts anew if the core asked for it, and checks what must always hold. */
void board_feed(board *b, const uint8_t *bytes, size_t length);
void board_poll(board *b);
/* What was written has left, and the rate changes if that waited for it. What is fed until then came before the change. */
void board_turn(board *b);
/* Checks a line that the core has written, without its line feed. */
void board_written(board *b, const uint8_t *line, size_t length);
/* What a WORK reply or notice says of the search, from word `at` on. */
void board_told(board *b, const oracle_frame *frame, size_t at);
/* Whether two boards wrote the same. */
bool board_same(const board *one, const board *two);
void board_add_news(board *b, lv06_work_news what, lv06_nonce nonce);
/* Looks for a nonce that meets the present job's target, or misses it; if `rolled` with a bit of the version changed, in the mask or
 * not. A few tries only. */
bool board_search(const board *b, bool right, bool rolled, lv06_nonce *found);

#endif
