/* One image that arrives in rows, in any order (SPEC 5.8). Its pixels lie in a raster that the board owns. */
#ifndef LV06_IMAGE_H
#define LV06_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lv06_limits.h"

typedef struct {
  uint32_t id;
  uint16_t width, height; /* width 0: there is no image */
  uint8_t arrived[LV06_IMAGE_SIDE / 8]; /* a bit a row */
} lv06_image;

/* Begins an image; false if the present one has this id and size. */
bool lv06_image_new(lv06_image *image, uint32_t id, uint16_t width, uint16_t height);
/* Puts `count` whole rows, `stride` bytes apart, into the raster. The rows lie within the image. Returns the first row
 * whose pixels are others than before; LV06_IMAGE_SIDE if none is. */
size_t lv06_image_put(lv06_image *image, uint8_t *raster, size_t first, const uint8_t *rows, size_t stride, size_t count);
/* Whether `count` rows from `first` on, all within the image, have arrived. */
bool lv06_image_has(const lv06_image *image, size_t first, size_t count);
/* The first row that has not arrived; the height when all have. */
size_t lv06_image_missing(const lv06_image *image);
/* Copies block `index` of `scale` × `scale` pixels, which divides width and height. */
void lv06_image_block(const lv06_image *image, const uint8_t *raster, size_t scale, size_t index, uint8_t *block);

/* Takes the filters of PNG (ISO/IEC 15948 §9.2) off `count` rows of a type byte and `width` bytes, in place, zeros
 * above the first. Returns false, with nothing changed, when a type is none of the five. */
bool lv06_unfilter(uint8_t *rows, size_t width, size_t count);

#endif
