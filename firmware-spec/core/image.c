#include "image.h"

#include "mem.h"

bool lv06_image_new(lv06_image *image, uint32_t id, uint16_t width, uint16_t height) {
  if (image->id == id && image->width == width && image->height == height) return false;
  memset(image, 0, sizeof *image);
  image->id = id;
  image->width = width;
  image->height = height;
  return true;
}

static uint8_t bit(size_t row) { return (uint8_t)(1u << (row % 8u)); }

static bool equal(const uint8_t *a, const uint8_t *b, size_t length) {
  size_t i = 0;
  while (i < length && a[i] == b[i]) i++;
  return i == length;
}

size_t lv06_image_put(lv06_image *image, uint8_t *raster, size_t first, const uint8_t *rows, size_t stride, size_t count) {
  size_t end = first + count, changed = LV06_IMAGE_SIDE;
  for (size_t row = first; row < end; row++, rows += stride) {
    uint8_t *pixels = raster + row * image->width;
    if (changed == LV06_IMAGE_SIDE && !equal(pixels, rows, image->width)) changed = row;
    memcpy(pixels, rows, image->width);
    image->arrived[row / 8u] |= bit(row);
  }
  return changed;
}

bool lv06_image_has(const lv06_image *image, size_t first, size_t count) {
  size_t row = first;
  while (row < first + count && (image->arrived[row / 8u] & bit(row)) != 0) row++;
  return row == first + count;
}

size_t lv06_image_missing(const lv06_image *image) {
  size_t row = 0;
  while (row < image->height && (image->arrived[row / 8u] & bit(row)) != 0) row++;
  return row;
}

void lv06_image_block(const lv06_image *image, const uint8_t *raster, size_t scale, size_t index, uint8_t *block) {
  size_t across = image->width / scale;
  size_t top = index / across * scale, left = index % across * scale;
  for (size_t y = 0; y < scale; y++) memcpy(block + y * scale, raster + (top + y) * image->width + left, scale);
}

static uint8_t paeth(int left, int up, int corner) {
  int estimate = left + up - corner;
  int to_left = estimate > left ? estimate - left : left - estimate;
  int to_up = estimate > up ? estimate - up : up - estimate;
  int to_corner = estimate > corner ? estimate - corner : corner - estimate;
  if (to_left <= to_up && to_left <= to_corner) return (uint8_t)left;
  return (uint8_t)(to_up <= to_corner ? up : corner);
}

static uint8_t predict(uint8_t type, uint8_t left, uint8_t up, uint8_t corner) {
  switch (type) {
  case 1:
    return left;
  case 2:
    return up;
  case 3:
    return (uint8_t)((left + up) / 2);
  case 4:
    return paeth(left, up, corner);
  default:
    return 0;
  }
}

static void unfilter_row(uint8_t type, uint8_t *row, const uint8_t *above, size_t width) {
  uint8_t left = 0, corner = 0;
  for (size_t x = 0; x < width; x++) {
    uint8_t up = above == NULL ? 0 : above[x];
    row[x] = (uint8_t)(row[x] + predict(type, left, up, corner));
    left = row[x];
    corner = up;
  }
}

bool lv06_unfilter(uint8_t *rows, size_t width, size_t count) {
  size_t stride = width + 1u;
  for (size_t i = 0; i < count; i++) {
    if (rows[i * stride] > 4u) return false;
  }
  for (size_t i = 0; i < count; i++) {
    uint8_t *row = rows + i * stride;
    if (row[0] != 0) unfilter_row(row[0], row + 1, i == 0 ? NULL : row - width, width);
  }
  return true;
}
