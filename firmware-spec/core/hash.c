/* HASH and BATCH: SPEC 5.3, 5.4. */
#include "commands.h"

#define STRING(x) #x
#define VALUE(x) STRING(x)
#define BLOCK_LIMIT "a block has 1 to " VALUE(LV06_BLOCK_MAX) " bytes"

static bool sha256(lv06_request *r, const uint8_t *bytes, size_t length, uint8_t *digest) {
  const lv06_hal *hal = r->core->hal;
  return hal->sha256(hal->context, bytes, length, digest);
}

void lv06_hash(lv06_request *r) {
  lv06_span block;
  uint8_t digest[LV06_DIGEST_SIZE];
  if (!lv06_take_word(r, &block) || !lv06_no_more(r)) {
    lv06_refuse(r, "ARGS", "HASH takes one block in hex");
  } else if (block.length % 2u != 0 || !lv06_take_bytes(block.bytes, block.length / 2u, block.bytes)) {
    lv06_refuse(r, "HEX", "a block is pairs of 0-9a-f");
  } else if (block.length / 2u > LV06_BLOCK_MAX) {
    lv06_refuse(r, "LENGTH", BLOCK_LIMIT);
  } else if (!sha256(r, block.bytes, block.length / 2u, digest)) {
    lv06_refuse(r, "DEVICE", "the SHA unit failed");
  } else {
    lv06_put_digest(&r->text, digest);
  }
}

#if !LV06_MINIMAL

static bool block_digest(lv06_request *r, size_t index, uint8_t *digest) {
  size_t size = r->value;
  return sha256(r, r->frame.payload.bytes + index * size, size, digest);
}

static void put_root(lv06_request *r, size_t count) {
  const lv06_hal *hal = r->core->hal;
  lv06_tree *tree = &r->core->scratch.tree;
  uint8_t digest[LV06_DIGEST_SIZE];
  bool good = true;
  tree->leaves = 0;
  for (size_t i = 0; i < count && good; i++) {
    good = block_digest(r, i, digest) && lv06_tree_add(tree, hal->sha256, hal->context, digest);
  }
  if (good && lv06_tree_root(tree, hal->sha256, hal->context, digest)) {
    lv06_put_digest(&r->text, digest);
  } else {
    lv06_refuse(r, "DEVICE", "the SHA unit failed");
  }
}

void lv06_batch(lv06_request *r) {
  lv06_span want;
  if (!lv06_take_number(r, 9, &r->value) || r->value == 0 || !lv06_take_word(r, &want) || !lv06_no_words(r) ||
      r->frame.payload.length == 0 || !(lv06_span_is(want, "digests") || lv06_span_is(want, "root"))) {
    lv06_refuse(r, "ARGS", "BATCH takes a block size, 'digests' or 'root', and a payload");
  } else if (r->value > LV06_BLOCK_MAX) {
    lv06_refuse(r, "LENGTH", BLOCK_LIMIT);
  } else if (r->frame.payload.length % r->value != 0) {
    lv06_refuse(r, "PAYLOAD", "the payload is no multiple of the block size");
  } else if (lv06_span_is(want, "root")) {
    put_root(r, r->frame.payload.length / r->value);
  } else {
    lv06_put_digests(r, r->frame.payload.length / r->value, block_digest);
  }
}

#endif
