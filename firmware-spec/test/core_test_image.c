#include "../core/image.h"
#include "core_test.h"
#include "core_test_fixtures.h"

enum { HALF = IMAGE_WIDTH * IMAGE_HALF };

static void new_image(void) { ask("~0001 IMAGE NEW 00000007 12 20"); }
static void send_top(void) { ask_with("~0002 IMAGE ROWS 00000007 0 raw", image_pixels, HALF); }
static void send_bottom(void) { ask_with("~0003 IMAGE ROWS 00000007 10 raw", image_pixels + HALF, HALF); }

static bool has_the_roots(void) {
  char expected[200];
  ask("~0004 IMAGE ROOTS 00000007 4,2");
  (void)snprintf(expected, sizeof expected, "~0004 OK 1a2b3c4d 4=%s 2=%s ", image_root_4, image_root_2);
  return said(expected);
}

static void rows_may_come_in_any_order_and_twice(void) {
  boot();
  new_image();
  send_bottom();
  send_bottom();
  send_top();
  send_bottom();
  forget_answers();
  CHECK(has_the_roots());
}

static void deflated_rows_with_every_filter_give_the_same_image(void) {
  boot();
  new_image();
  CHECK(said("~0001 OK 1a2b3c4d "));
  ask_with("~0002 IMAGE ROWS 00000007 10 deflate", image_bottom, sizeof image_bottom);
  CHECK(said("~0002 OK 1a2b3c4d "));
  ask_with("~0003 IMAGE ROWS 00000007 0 deflate", image_top, sizeof image_top);
  CHECK(said("~0003 OK 1a2b3c4d "));
  CHECK(memcmp(b.raster, image_pixels, sizeof image_pixels) == 0);
  CHECK(has_the_roots());
  ask("~0005 IMAGE ROOTS 00000007 1");
  CHECK(said("~0005 OK 1a2b3c4d 1="));
}

static void a_scale_of_one_has_a_leaf_for_each_pixel(void) {
  char expected[200];
  boot();
  new_image();
  send_top();
  send_bottom();
  forget_answers();
  ask("~0004 IMAGE ROOTS 00000007 1,4,1,2");
  (void)snprintf(expected, sizeof expected, "~0004 OK 1a2b3c4d 1=%s 4=", image_root_1);
  CHECK(said(expected));
}

static void the_lowest_missing_row_is_named(void) {
  boot();
  new_image();
  forget_answers();
  ask("~0004 IMAGE ROOTS 00000007 4");
  CHECK(said("~0004 ERR 1a2b3c4d MISSING 0 "));
  send_bottom();
  forget_answers();
  ask("~0004 IMAGE ROOTS 00000007 4");
  CHECK(said("~0004 ERR 1a2b3c4d MISSING 0 "));
  ask_with("~0005 IMAGE ROWS 00000007 0 raw", image_pixels, (size_t)IMAGE_WIDTH * 9u);
  forget_answers();
  ask("~0004 IMAGE DIGESTS 00000007 4 0 1");
  CHECK(said("~0004 ERR 1a2b3c4d MISSING 9 "));
}

static void before_the_first_image_there_is_none_of_any_id(void) {
  boot();
  ask_with("~0002 IMAGE ROWS 00000000 0 raw", image_pixels, IMAGE_WIDTH);
  CHECK(said("~0002 ERR 1a2b3c4d STATE "));
  ask("~0003 IMAGE ROOTS 00000000 1");
  CHECK(said("~0003 ERR 1a2b3c4d STATE "));
}

static void rows_of_an_image_whose_beginning_was_lost_are_refused(void) {
  boot();
  send_top();
  CHECK(said("~0002 ERR 1a2b3c4d STATE "));
  ask("~0004 IMAGE ROOTS 00000007 4");
  CHECK(said("~0004 ERR 1a2b3c4d STATE "));
  new_image();
  send_top();
  forget_answers();
  ask_with("~0005 IMAGE ROWS 00000008 0 raw", image_pixels, IMAGE_WIDTH);
  CHECK(said("~0005 ERR 1a2b3c4d STATE "));
}

static void the_same_image_begun_again_keeps_its_rows(void) {
  boot();
  new_image();
  send_top();
  new_image();
  send_bottom();
  forget_answers();
  CHECK(has_the_roots());
}

static void another_id_or_size_forgets_the_rows(void) {
  static const char *const others[] = {"~0001 IMAGE NEW 00000008 12 20", "~0001 IMAGE NEW 00000007 20 12",
                                       "~0001 IMAGE NEW 00000007 12 16"};
  for (size_t i = 0; i < 3; i++) {
    boot();
    new_image();
    send_top();
    send_bottom();
    ask(others[i]);
    new_image();
    forget_answers();
    ask("~0004 IMAGE ROOTS 00000007 4");
    CHECK(said("~0004 ERR 1a2b3c4d MISSING 0 "));
  }
}

static void an_image_too_large_leaves_the_present_one(void) {
  boot();
  new_image();
  send_top();
  send_bottom();
  forget_answers();
  ask("~0009 IMAGE NEW 00000009 225 224");
  CHECK(said("~0009 ERR 1a2b3c4d LENGTH "));
  CHECK(has_the_roots());
}

static void hello_drops_the_image(void) {
  boot();
  new_image();
  ask("~0009 HELLO 1 0a0b0c0d");
  forget_answers();
  send_top();
  CHECK(said("~0002 ERR 1a2b3c4d STATE "));
}

static void a_refused_payload_changes_no_pixel(void) {
  static uint8_t filter_five[1 + IMAGE_WIDTH] = {5};
  uint8_t stored[5 + sizeof filter_five] = {1, sizeof filter_five, 0, 255 - sizeof filter_five, 255};
  memcpy(stored + 5, filter_five, sizeof filter_five);
  boot();
  new_image();
  send_top();
  send_bottom();
  forget_answers();
  ask_with("~0005 IMAGE ROWS 00000007 0 deflate", stored, sizeof stored);
  CHECK(said("~0005 ERR 1a2b3c4d PAYLOAD "));
  ask_with("~0006 IMAGE ROWS 00000007 11 deflate", image_top, sizeof image_top);
  CHECK(said("~0006 ERR 1a2b3c4d PAYLOAD "));
  ask_with("~0007 IMAGE ROWS 00000007 0 deflate", image_top, sizeof image_top - 1u);
  CHECK(said("~0007 ERR 1a2b3c4d PAYLOAD "));
  ask_with("~0008 IMAGE ROWS 00000007 19 raw", image_pixels, 2u * IMAGE_WIDTH);
  CHECK(said("~0008 ERR 1a2b3c4d PAYLOAD "));
  ask_with("~0009 IMAGE ROWS 00000007 20 raw", image_pixels, IMAGE_WIDTH);
  CHECK(said("~0009 ERR 1a2b3c4d PAYLOAD "));
  ask_with("~000a IMAGE ROWS 00000007 0 raw", image_pixels, IMAGE_WIDTH + 1u);
  CHECK(said("~000a ERR 1a2b3c4d PAYLOAD "));
  CHECK(has_the_roots());
}

static void digests_come_as_a_payload(void) {
  size_t length;
  boot();
  new_image();
  send_top();
  send_bottom();
  forget_answers();
  ask("~0005 IMAGE DIGESTS 00000007 4 3 3");
  CHECK(said("~0005 OK 1a2b3c4d :"));
  const uint8_t *digests = payload(&length);
  CHECK(digests != NULL && length == sizeof image_digests_4 && memcmp(digests, image_digests_4, length) == 0);
  ask("~0006 IMAGE DIGESTS 00000007 4 13 3");
  CHECK(said("~0006 ERR 1a2b3c4d ARGS "));
}

/* Until HELLO names the host's line, a reply has at most 512 bytes: 29 + 15 · 32 + 2, not one digest more. */
static void a_reply_is_never_longer_than_the_hosts_line(void) {
  boot();
  new_image();
  send_top();
  send_bottom();
  forget_answers();
  ask("~0005 IMAGE DIGESTS 00000007 2 44 16");
  CHECK(said("~0005 ERR 1a2b3c4d LENGTH "));
  ask("~0005 IMAGE DIGESTS 00000007 2 45 15");
  CHECK(said("~0005 OK 1a2b3c4d :"));
}

static void all_five_filters_are_taken_off_with_zeros_above(void) {
  uint8_t rows[] = {0, 9, 8, 1, 1, 1, 2, 1, 1, 3, 1, 1, 4, 1, 1};
  static const uint8_t plain[] = {0, 9, 8, 1, 1, 2, 2, 2, 3, 3, 2, 3, 4, 3, 4};
  CHECK(lv06_unfilter(rows, 2, 5));
  CHECK(memcmp(rows, plain, sizeof rows) == 0);
  /* Of two predictors as near, Paeth takes above before corner, and left before corner. */
  uint8_t above[] = {0, 5, 3, 4, 1, 0}, left[] = {0, 5, 6, 4, 254, 0};
  CHECK(lv06_unfilter(above, 2, 2) && above[5] == 3);
  CHECK(lv06_unfilter(left, 2, 2) && left[5] == 3);
  uint8_t paeth_first[] = {4, 1, 1}, average_first[] = {3, 2, 1}, unknown[] = {1, 1, 1, 5, 1, 1};
  CHECK(lv06_unfilter(paeth_first, 2, 1) && paeth_first[2] == 2);
  CHECK(lv06_unfilter(average_first, 2, 1) && average_first[2] == 2);
  CHECK(!lv06_unfilter(unknown, 2, 2) && unknown[2] == 1);
}

static void the_largest_image_fills_the_raster_and_no_more(void) {
  static uint8_t row[224 * 8];
  char request[40];
  boot();
  memset(row, 0xa5, sizeof row);
  ask("~0001 IMAGE NEW 00000001 224 224");
  for (unsigned first = 0; first < 224; first += 8) {
    (void)snprintf(request, sizeof request, "~0002 IMAGE ROWS 00000001 %u raw", first);
    ask_with(request, row, sizeof row);
  }
  forget_answers();
  ask("~0003 IMAGE ROOTS 00000001 1,8,16,32");
  CHECK(said("~0003 OK 1a2b3c4d 1="));
}

void image_tests(void) {
  TEST(rows_may_come_in_any_order_and_twice);
  TEST(deflated_rows_with_every_filter_give_the_same_image);
  TEST(a_scale_of_one_has_a_leaf_for_each_pixel);
  TEST(the_lowest_missing_row_is_named);
  TEST(before_the_first_image_there_is_none_of_any_id);
  TEST(rows_of_an_image_whose_beginning_was_lost_are_refused);
  TEST(the_same_image_begun_again_keeps_its_rows);
  TEST(another_id_or_size_forgets_the_rows);
  TEST(an_image_too_large_leaves_the_present_one);
  TEST(hello_drops_the_image);
  TEST(a_refused_payload_changes_no_pixel);
  TEST(digests_come_as_a_payload);
  TEST(a_reply_is_never_longer_than_the_hosts_line);
  TEST(all_five_filters_are_taken_off_with_zeros_above);
  TEST(the_largest_image_fills_the_raster_and_no_more);
}
