/* IMAGE: SPEC 5.8, against an image of the judge's own. */
#include <string.h>

#include "../core/sha256.h"
#include "judge.h"

#if !LV06_MINIMAL

static void judge_new(judge *j) {
  uint8_t id[4];
  uint64_t width, height;
  DEMAND(judge_request.count == 4 && part_bytes(judge_request.words[1], id, 4) && part_number(judge_request.words[2], 4, &width) &&
             part_number(judge_request.words[3], 4, &height) && width >= 1 && height >= 1 && width <= LV06_IMAGE_SIDE &&
             height <= LV06_IMAGE_SIDE && width * height <= BOARD_RASTER,
         "an image has a size within the limits (SPEC 5.8)");
  if (j->present && memcmp(j->id, id, 4) == 0 && j->width == width && j->height == height) return;
  j->present = true;
  memcpy(j->id, id, 4);
  j->width = width;
  j->height = height;
  memset(j->arrived, 0, sizeof j->arrived);
}

static void judge_rows(judge *j) {
  static uint8_t rows[65536];
  uint64_t first;
  size_t stride = j->width, length = judge_request.payload_length;
  DEMAND(j->present && judge_request.count == 4 && judge_request.payload && part_number(judge_request.words[2], 7, &first),
         "rows belong to an image and have a payload (SPEC 5.8)");
  if (part_is(judge_request.words[3], "raw")) {
    memcpy(rows, judge_request.data, length);
  } else {
    stride++;
    DEMAND(oracle_inflate(judge_request.data, judge_request.payload_length, rows, sizeof rows, &length),
           "only a whole deflate stream is taken (SPEC 5.8)");
    DEMAND(length <= LV06_INFLATE_MAX, "no more is inflated than was announced (SPEC 5.8)");
    DEMAND(length % stride == 0 && oracle_unfilter(rows, j->width, length / stride), "filters are 0 to 4 (SPEC 5.8)");
  }
  DEMAND(length > 0 && length % stride == 0 && first + length / stride <= j->height, "rows lie in the image (SPEC 5.8)");
  for (size_t y = 0; y < length / stride; y++) {
    memcpy(j->pixels + (first + y) * j->width, rows + y * stride + (stride - j->width), j->width);
    j->arrived[first + y] = true;
  }
}

static size_t missing_row(const judge *j) {
  size_t row = 0;
  while (row < j->height && j->arrived[row]) row++;
  return row;
}

/* Puts the digests of all blocks of one scale into `digests`. */
static size_t hash_blocks(const judge *j, size_t scale) {
  uint8_t block[LV06_SCALE_MAX * LV06_SCALE_MAX];
  size_t count = 0;
  for (size_t y = 0; y < j->height; y += scale) {
    for (size_t x = 0; x < j->width; x += scale) {
      for (size_t row = 0; row < scale; row++) memcpy(block + row * scale, j->pixels + (y + row) * j->width + x, scale);
      lv06_sha256(block, scale * scale, judge_leaves[count++]);
    }
  }
  return count;
}

static void demand_whole(const judge *j, uint64_t scale) {
  DEMAND(j->present && missing_row(j) == j->height, "only a whole image has roots and digests (SPEC 5.8)");
  DEMAND(scale >= 1 && scale <= LV06_SCALE_MAX && j->width % scale == 0 && j->height % scale == 0 &&
             scale * scale <= LV06_BLOCK_MAX,
         "a scale divides the image and is within the limits (SPEC 5.8)");
}

static void judge_roots(const judge *j) {
  uint8_t root[LV06_DIGEST_SIZE];
  part list = judge_request.words[2];
  size_t at = 1;
  DEMAND(judge_request.count == 3, "ROOTS takes an id and scales (SPEC 5.8)");
  for (size_t begin = 0, i = 0; i <= list.length; i++) {
    if (i < list.length && list.bytes[i] != ',') continue;
    part scale_word = {list.bytes + begin, i - begin}, word = judge_answer.words[at];
    uint64_t scale;
    DEMAND(part_number(scale_word, 4, &scale) && at < judge_answer.count, "each scale has a root (SPEC 5.8)");
    demand_whole(j, scale);
    judge_merkle(0, hash_blocks(j, scale), root);
    DEMAND(word.length > scale_word.length && memcmp(word.bytes, scale_word.bytes, scale_word.length) == 0 &&
               word.bytes[scale_word.length] == '=',
           "roots come in the order asked, as s=hex64 (SPEC 5.8)");
    judge_digest((part){word.bytes + scale_word.length + 1, word.length - scale_word.length - 1}, root);
    begin = i + 1;
    at++;
  }
  DEMAND(at == judge_answer.count && at <= 5, "one to four roots, and nothing else (SPEC 5.8)");
}

static void judge_asked(const judge *j) {
  uint64_t scale, first, count;
  DEMAND(judge_request.count == 5 && part_number(judge_request.words[2], 4, &scale) && part_number(judge_request.words[3], 7, &first) &&
             part_number(judge_request.words[4], 7, &count) && count >= 1,
         "DIGESTS takes id, scale, first and count (SPEC 5.8)");
  demand_whole(j, scale);
  DEMAND(first + count <= hash_blocks(j, scale), "blocks beyond the last have no digests (SPEC 5.8)");
  judge_digests(first, count);
}

void judge_image(judge *j) {
  DEMAND(judge_request.count > 1, "IMAGE has a part and an id (SPEC 5.8)");
  if (part_is(judge_request.words[0], "NEW")) {
    judge_new(j);
  } else {
    uint8_t id[4];
    DEMAND(j->present && part_bytes(judge_request.words[1], id, 4) && memcmp(id, j->id, 4) == 0,
           "what is asked of another image is STATE (SPEC 5.8)");
    if (part_is(judge_request.words[0], "ROWS")) judge_rows(j);
    if (part_is(judge_request.words[0], "ROOTS")) judge_roots(j);
    if (part_is(judge_request.words[0], "DIGESTS")) judge_asked(j);
  }
}

void judge_missing(const judge *j) {
  uint64_t row;
  DEMAND(judge_answer.count == 3 && part_number(judge_answer.words[2], 9, &row), "MISSING is followed by a row (SPEC 4.3)");
  DEMAND(j->present && row == missing_row(j) && row < j->height, "MISSING tells the first missing row (SPEC 5.8)");
}

#endif
