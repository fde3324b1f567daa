#include "merkle.h"

#include "mem.h"

static bool leaf_hash(lv06_sha256_unit *sha256, void *context, const uint8_t *leaf, uint8_t *hash) {
  uint8_t message[1 + LV06_DIGEST_SIZE] = {0};
  memcpy(message + 1, leaf, LV06_DIGEST_SIZE);
  return sha256(context, message, sizeof message, hash);
}

/* `left` becomes the node above the two. */
static bool join(lv06_sha256_unit *sha256, void *context, uint8_t *left, const uint8_t *right) {
  uint8_t message[1 + 2 * LV06_DIGEST_SIZE] = {1};
  memcpy(message + 1, left, LV06_DIGEST_SIZE);
  memcpy(message + 1 + LV06_DIGEST_SIZE, right, LV06_DIGEST_SIZE);
  return sha256(context, message, sizeof message, left);
}

/* The stack holds a node for each 1 bit of `leaves`, as adding in binary carries: no recursion, no leaf kept. */
static unsigned depth(uint32_t leaves) {
  unsigned nodes = 0;
  for (; leaves > 0; leaves &= leaves - 1u) nodes++;
  return nodes;
}

static bool fail(lv06_tree *tree) {
  tree->leaves = 0;
  return false;
}

bool lv06_tree_add(lv06_tree *tree, lv06_sha256_unit *sha256, void *context, const uint8_t leaf[LV06_DIGEST_SIZE]) {
  unsigned top = depth(tree->leaves);
  if (!leaf_hash(sha256, context, leaf, tree->nodes[top])) return fail(tree);
  for (uint32_t carry = tree->leaves; (carry & 1u) != 0; carry >>= 1, top--) {
    if (!join(sha256, context, tree->nodes[top - 1u], tree->nodes[top])) return fail(tree);
  }
  tree->leaves++;
  return true;
}

bool lv06_tree_root(lv06_tree *tree, lv06_sha256_unit *sha256, void *context, uint8_t root[LV06_DIGEST_SIZE]) {
  if (tree->leaves == 0) return false;
  for (unsigned top = depth(tree->leaves) - 1u; top > 0; top--) {
    if (!join(sha256, context, tree->nodes[top - 1u], tree->nodes[top])) return fail(tree);
  }
  /* One node is left, as of one leaf: what a second call returns. */
  tree->leaves = 1;
  memcpy(root, tree->nodes[0], LV06_DIGEST_SIZE);
  return true;
}
