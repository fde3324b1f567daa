/* Digests, payloads of digests, and Merkle roots as they must be. */
#include <string.h>

#include "../core/sha256.h"
#include "judge.h"

oracle_frame judge_request, judge_answer;
uint8_t judge_leaves[BOARD_RASTER + LV06_LINE_MAX][LV06_DIGEST_SIZE];

/* RFC 9162 §2.1.1, as it is defined: from the top down. */
void judge_merkle(size_t first, size_t count, uint8_t root[LV06_DIGEST_SIZE]) {
  uint8_t message[1 + 2 * LV06_DIGEST_SIZE] = {1};
  size_t k = 1;
  if (count == 1) {
    message[0] = 0;
    memcpy(message + 1, judge_leaves[first], LV06_DIGEST_SIZE);
    lv06_sha256(message, 1 + LV06_DIGEST_SIZE, root);
    return;
  }
  while (2 * k < count) k *= 2;
  judge_merkle(first, k, message + 1);
  judge_merkle(first + k, count - k, message + 1 + LV06_DIGEST_SIZE);
  lv06_sha256(message, sizeof message, root);
}

void judge_digests(size_t first, size_t count) {
  DEMAND(judge_answer.payload_length == count * LV06_DIGEST_SIZE, "as many digests as were asked for (SPEC 5.4, 5.8)");
  DEMAND(memcmp(judge_answer.data, judge_leaves[first], count * LV06_DIGEST_SIZE) == 0, "every digest is right (SPEC 5.4, 5.8)");
}

void judge_digest(part word, const uint8_t expected[LV06_DIGEST_SIZE]) {
  uint8_t told[LV06_DIGEST_SIZE];
  DEMAND(part_bytes(word, told, sizeof told), "a digest or root is hex64 (SPEC 5.3, 5.4)");
  DEMAND(memcmp(told, expected, sizeof told) == 0, "a digest or root is right (SPEC 5.3, 5.4, 5.8)");
}
