/* IMAGE: SPEC 5.8. */
#include "commands.h"

#if !LV06_MINIMAL

typedef struct {
  uint32_t id, count;
  uint32_t scales[LV06_SCALES_MAX];
} scale_list;

static bool is_present(const lv06_core *core, uint32_t id) { return core->image.width > 0 && core->image.id == id; }

static void refuse_state(lv06_request *r) { lv06_refuse(r, "STATE", "no image of that id; send IMAGE NEW"); }

static void new_image(lv06_request *r) {
  uint32_t id, width, height;
  if (!lv06_take_id(r, &id) || !lv06_take_number(r, 4, &width) || !lv06_take_number(r, 4, &height) ||
      !lv06_no_more(r) || width == 0 || height == 0 || width > LV06_IMAGE_SIDE || height > LV06_IMAGE_SIDE) {
    lv06_refuse(r, "ARGS", "IMAGE NEW takes an id, a width and a height, both 1 to 1024");
  } else if ((size_t)width * height > r->core->hal->raster_size) {
    lv06_refuse(r, "LENGTH", "more pixels than maxImage");
  } else if (lv06_image_new(&r->core->image, id, (uint16_t)width, (uint16_t)height)) {
    lv06_ahead_restart(&r->core->ahead);
  }
}

/* Rows of an image, ready to be put into the raster. */
typedef struct {
  const uint8_t *pixels;
  size_t stride, count; /* no rows: the payload does not fit the image */
} row_list;

static row_list raw_rows(lv06_request *r, size_t room) {
  lv06_span payload = r->frame.payload;
  size_t width = r->core->image.width, count = payload.length / width;
  return (row_list){payload.bytes, width, payload.length % width != 0 || count > room ? 0 : count};
}

#if LV06_INFLATE_MAX > 0

static bool can_inflate(const lv06_hal *hal) { return hal->inflate != NULL; }

/* Inflates and unfilters the rows in the scratch memory. */
static row_list inflated_rows(lv06_request *r, size_t room) {
  const lv06_hal *hal = r->core->hal;
  lv06_span payload = r->frame.payload;
  uint8_t *rows = r->core->scratch.inflated;
  size_t width = r->core->image.width, stride = width + 1u;
  size_t most = room * stride < LV06_INFLATE_MAX ? room * stride : LV06_INFLATE_MAX;
  size_t made = hal->inflate(hal->context, payload.bytes, payload.length, rows, most), count = made / stride;
  bool good = made <= most && made % stride == 0 && lv06_unfilter(rows, width, count);
  return (row_list){rows + 1, stride, good ? count : 0};
}

#else

static bool can_inflate(const lv06_hal *hal) {
  (void)hal;
  return false;
}

static row_list inflated_rows(lv06_request *r, size_t room) {
  (void)r;
  (void)room;
  return (row_list){0};
}

#endif

static void take_rows(lv06_request *r, uint32_t first, bool raw) {
  lv06_core *core = r->core;
  lv06_image *image = &core->image;
  size_t room = first < image->height ? image->height - first : 0;
  row_list rows = {0};
  if (room > 0) rows = raw ? raw_rows(r, room) : inflated_rows(r, room);
  if (rows.count == 0) {
    lv06_refuse(r, "PAYLOAD", "no whole rows of this image; none was taken");
    return;
  }
  lv06_ahead_changed(core, lv06_image_put(image, core->hal->raster, first, rows.pixels, rows.stride, rows.count));
  /* Where the unit fails, ROOTS will try again, and say so. */
  (void)lv06_ahead_hash(core, LV06_AHEAD_BLOCKS);
}

static void rows(lv06_request *r) {
  uint32_t id, first;
  lv06_span coding;
  bool good = lv06_take_id(r, &id) && lv06_take_number(r, 7, &first) && lv06_take_word(r, &coding) &&
              lv06_no_words(r) && r->frame.payload.length > 0;
  bool raw = good && lv06_span_is(coding, "raw");
  if (!raw && !(good && lv06_span_is(coding, "deflate"))) {
    lv06_refuse(r, "ARGS", "IMAGE ROWS takes an id, a first row, 'raw' or 'deflate', and a payload");
  } else if (!raw && !can_inflate(r->core->hal)) {
    lv06_refuse(r, "ARGS", "this device takes raw rows only");
  } else if (!is_present(r->core, id)) {
    refuse_state(r);
  } else {
    take_rows(r, first, raw);
  }
}

static bool divides(const lv06_core *core, uint32_t scale) {
  return core->image.width % scale == 0 && core->image.height % scale == 0;
}

static bool is_scale(uint32_t scale) { return scale >= 1u && scale <= LV06_SCALE_MAX; }

/* One to four scales, parted by commas. */
static bool take_scales(lv06_request *r, scale_list *list) {
  lv06_span word;
  if (!lv06_take_word(r, &word)) return false;
  for (list->count = 0; list->count < LV06_SCALES_MAX;) {
    size_t end = 0;
    while (end < word.length && word.bytes[end] != ',') end++;
    uint32_t *scale = &list->scales[list->count++];
    if (!lv06_take_decimal(word.bytes, end, 4, scale) || !is_scale(*scale)) return false;
    if (end == word.length) return true;
    word.bytes += end + 1u;
    word.length -= end + 1u;
  }
  return false;
}

static size_t blocks(const lv06_core *core, uint32_t scale) {
  return (size_t)(core->image.width / scale) * (core->image.height / scale);
}

static void refuse_missing(lv06_request *r, size_t row) {
  lv06_refuse(r, "MISSING", NULL);
  lv06_put(&r->text, " ");
  lv06_put_unsigned(&r->text, row);
}

/* The checks that ROOTS and DIGESTS share, in the order of SPEC 4.3: no block is too long, the image is there, the scales
 * divide it, it has `end` blocks of each, and all its rows. Refuses, and returns false, where one fails. */
static bool ready(lv06_request *r, const scale_list *list, size_t end) {
  bool present = is_present(r->core, list->id), within = true, fits = true;
  for (uint32_t i = 0; i < list->count; i++) {
    uint32_t scale = list->scales[i];
    fits = fits && scale * scale <= LV06_BLOCK_MAX;
    within = within && present && divides(r->core, scale) && end <= blocks(r->core, scale);
  }
  size_t missing = present ? lv06_image_missing(&r->core->image) : 0;
  if (!fits) {
    lv06_refuse(r, "LENGTH", "a block has more pixels than maxBlock");
  } else if (!present) {
    refuse_state(r);
  } else if (!within) {
    lv06_refuse(r, "ARGS", "a scale must divide width and height, and the image have the blocks");
  } else if (missing < r->core->image.height) {
    refuse_missing(r, missing);
  } else {
    return true;
  }
  return false;
}

static void roots(lv06_request *r) {
  scale_list list;
  uint8_t digest[LV06_DIGEST_SIZE];
  if (!lv06_take_id(r, &list.id) || !take_scales(r, &list) || !lv06_no_more(r)) {
    lv06_refuse(r, "ARGS", "IMAGE ROOTS takes an id and 1 to 4 scales, 1 to 64, parted by commas");
    return;
  }
  if (!ready(r, &list, 0)) return;
  lv06_ahead_expect(&r->core->ahead, list.scales, list.count);
  bool good = lv06_ahead_hash(r->core, SIZE_MAX);
  for (uint32_t i = 0; i < list.count; i++) {
    if (!good || !lv06_ahead_root(r->core, i, digest)) {
      lv06_refuse(r, "DEVICE", "the SHA unit failed");
      return;
    }
    lv06_put(&r->text, " ");
    lv06_put_unsigned(&r->text, list.scales[i]);
    lv06_put(&r->text, "=");
    lv06_put_hex_bytes(&r->text, digest, sizeof digest);
  }
}

static bool indexed_digest(lv06_request *r, size_t index, uint8_t *digest) {
  return lv06_block_digest(r->core, r->value, r->first + index, digest);
}

static void digests(lv06_request *r) {
  scale_list list = {0, 1, {0}};
  uint32_t first, count;
  if (!lv06_take_id(r, &list.id) || !lv06_take_number(r, 4, &list.scales[0]) || !is_scale(list.scales[0]) ||
      !lv06_take_number(r, 7, &first) || !lv06_take_number(r, 7, &count) || count == 0 || !lv06_no_more(r)) {
    lv06_refuse(r, "ARGS", "IMAGE DIGESTS takes an id, a scale 1 to 64, a first block, and a count from 1 on");
    return;
  }
  if (!ready(r, &list, (size_t)first + count)) return;
  r->value = list.scales[0];
  r->first = first;
  lv06_put_digests(r, count, indexed_digest);
}

void lv06_image_command(lv06_request *r) {
  lv06_span what;
  if (!lv06_take_word(r, &what)) what.length = 0;
  if (lv06_span_is(what, "NEW")) {
    new_image(r);
  } else if (lv06_span_is(what, "ROWS")) {
    rows(r);
  } else if (lv06_span_is(what, "ROOTS")) {
    roots(r);
  } else if (lv06_span_is(what, "DIGESTS")) {
    digests(r);
  } else {
    lv06_refuse(r, "ARGS", "IMAGE takes NEW, ROWS, ROOTS or DIGESTS");
  }
}

#endif
