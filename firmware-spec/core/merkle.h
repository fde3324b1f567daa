/* The Merkle tree hash of RFC 9162 §2.1.1, leaf by leaf, on a stack as deep as the tree. */
#ifndef LV06_MERKLE_H
#define LV06_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lv06_limits.h"

#define LV06_TREE_DEPTH 21 /* 2^20 leaves: an image of 1024 × 1024 blocks */

typedef bool lv06_sha256_unit(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]);

typedef struct {
  uint32_t leaves;
  uint8_t nodes[LV06_TREE_DEPTH][LV06_DIGEST_SIZE];
} lv06_tree;

/* Both return false when the SHA unit failed, and the tree is then empty. */
/* Adds a leaf: at most 2^20 of them. */
bool lv06_tree_add(lv06_tree *tree, lv06_sha256_unit *sha256, void *context, const uint8_t leaf[LV06_DIGEST_SIZE]);
/* The root of one leaf or more; of none there is none: false. It may be asked for again, but no leaf be added to it. */
bool lv06_tree_root(lv06_tree *tree, lv06_sha256_unit *sha256, void *context, uint8_t root[LV06_DIGEST_SIZE]);

#endif
