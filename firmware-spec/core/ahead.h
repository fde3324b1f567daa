/*
 * Roots of an image's blocks, hashed while its rows arrive: for the scales that the host asked for last, since it will ask
 * for them again. On a fast line the SHA unit would else be idle during the transfer, and the line idle during ROOTS.
 */
#ifndef LV06_AHEAD_H
#define LV06_AHEAD_H

#include "merkle.h"

typedef struct {
  uint32_t count;
  uint32_t scales[LV06_SCALES_MAX];
  uint32_t hashed[LV06_SCALES_MAX]; /* blocks that are in the tree, from the top */
  lv06_tree trees[LV06_SCALES_MAX];
} lv06_ahead;

#endif
