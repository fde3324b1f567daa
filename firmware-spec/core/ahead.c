#include "ahead.h"

#include "commands.h"

#if !LV06_MINIMAL

static void forget(lv06_ahead *ahead, uint32_t i) { ahead->hashed[i] = ahead->trees[i].leaves = 0; }

void lv06_ahead_restart(lv06_ahead *ahead) {
  for (uint32_t i = 0; i < ahead->count; i++) forget(ahead, i);
}

static bool same(const lv06_ahead *ahead, const uint32_t *scales, uint32_t count) {
  uint32_t i = 0;
  while (i < count && i < ahead->count && ahead->scales[i] == scales[i]) i++;
  return i == count && i == ahead->count;
}

void lv06_ahead_expect(lv06_ahead *ahead, const uint32_t *scales, uint32_t count) {
  if (same(ahead, scales, count)) return;
  ahead->count = count;
  for (uint32_t i = 0; i < count; i++) ahead->scales[i] = scales[i];
  lv06_ahead_restart(ahead);
}

void lv06_ahead_changed(lv06_core *core, size_t first) {
  for (uint32_t i = 0; i < core->ahead.count; i++) {
    uint32_t scale = core->ahead.scales[i], across = core->image.width / scale;
    if (core->ahead.hashed[i] == 0) continue;
    size_t last_band = (core->ahead.hashed[i] - 1u) / across;
    if (first < (last_band + 1u) * scale) forget(&core->ahead, i);
  }
}

bool lv06_block_digest(lv06_core *core, uint32_t scale, size_t index, uint8_t *digest) {
  const lv06_hal *hal = core->hal;
  lv06_image_block(&core->image, hal->raster, scale, index, core->line);
  return hal->sha256(hal->context, core->line, (size_t)scale * scale, digest);
}

static bool hash_block(lv06_core *core, uint32_t i) {
  const lv06_hal *hal = core->hal;
  uint8_t digest[LV06_DIGEST_SIZE];
  lv06_ahead *ahead = &core->ahead;
  if (!lv06_block_digest(core, ahead->scales[i], ahead->hashed[i], digest) ||
      !lv06_tree_add(&ahead->trees[i], hal->sha256, hal->context, digest)) {
    forget(ahead, i);
    return false;
  }
  ahead->hashed[i]++;
  return true;
}

/* The blocks of one scale, row of blocks by row of blocks. */
static bool hash_scale(lv06_core *core, uint32_t i, size_t *blocks) {
  const lv06_image *image = &core->image;
  uint32_t scale = core->ahead.scales[i], across = image->width / scale;
  if (image->width % scale != 0 || image->height % scale != 0) return true;
  for (;;) {
    uint32_t done = core->ahead.hashed[i];
    size_t top = (size_t)(done / across) * scale;
    if (top == image->height || !lv06_image_has(image, top, scale)) return true;
    for (uint32_t left = across - done % across; left > 0; left--, (*blocks)--) {
      if (*blocks == 0) return true;
      if (!hash_block(core, i)) return false;
    }
  }
}

bool lv06_ahead_hash(lv06_core *core, size_t blocks) {
  for (uint32_t i = 0; i < core->ahead.count; i++) {
    if (!hash_scale(core, i, &blocks)) return false;
  }
  return true;
}

bool lv06_ahead_root(lv06_core *core, uint32_t i, uint8_t *digest) {
  const lv06_hal *hal = core->hal;
  if (lv06_tree_root(&core->ahead.trees[i], hal->sha256, hal->context, digest)) return true;
  forget(&core->ahead, i);
  return false;
}

#endif
