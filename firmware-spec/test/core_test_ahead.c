/* Blocks hashed while rows arrive, and what must not be left of them. */
#include "core_test.h"
#include "core_test_fixtures.h"

enum { HALF = IMAGE_WIDTH * IMAGE_HALF };

static void new_image(void) { ask("~0001 IMAGE NEW 00000007 12 20"); }
static void send_top(void) { ask_with("~0002 IMAGE ROWS 00000007 0 raw", image_pixels, HALF); }
static void send_bottom(void) { ask_with("~0003 IMAGE ROWS 00000007 10 raw", image_pixels + HALF, HALF); }

static bool has_the_roots(void) {
  char expected[200];
  forget_answers();
  ask("~0004 IMAGE ROOTS 00000007 4,2");
  (void)snprintf(expected, sizeof expected, "~0004 OK 1a2b3c4d 4=%s 2=%s ", image_root_4, image_root_2);
  return said(expected);
}

/* From the second image on the scales are known, and blocks are hashed while rows arrive. */
static void learn_the_scales(void) {
  boot();
  ask("~0001 IMAGE NEW 00000006 12 20");
  ask_with("~0002 IMAGE ROWS 00000006 0 raw", image_pixels, HALF);
  ask_with("~0003 IMAGE ROWS 00000006 10 raw", image_pixels, HALF);
  ask("~0004 IMAGE ROOTS 00000006 4,2");
}

static void begin_with_known_scales(void) {
  learn_the_scales();
  new_image();
}

static void blocks_are_hashed_while_rows_arrive(void) {
  begin_with_known_scales();
  unsigned before = b.hashes;
  send_top();
  CHECK(b.hashes > before);
  send_bottom();
  before = b.hashes;
  CHECK(has_the_roots());
  CHECK(b.hashes - before < 10); /* the seams of two trees */
}

static void roots_and_rows_sent_again_hash_nothing_again(void) {
  begin_with_known_scales();
  send_top();
  send_bottom();
  CHECK(has_the_roots());
  unsigned before = b.hashes;
  send_bottom();
  send_top();
  CHECK(has_the_roots());
  ask("~0005 IMAGE ROOTS 00000007 4,2");
  CHECK(b.hashes == before);
}

static void a_row_that_changes_late_changes_the_roots(void) {
  for (size_t row = 0; row < IMAGE_HEIGHT; row++) {
    char request[40];
    uint8_t other[IMAGE_WIDTH];
    begin_with_known_scales();
    send_top();
    send_bottom();
    CHECK(has_the_roots());
    (void)snprintf(request, sizeof request, "~0005 IMAGE ROWS 00000007 %zu raw", row);
    memcpy(other, image_pixels + row * IMAGE_WIDTH, sizeof other);
    other[IMAGE_WIDTH - 1] ^= 1u;
    ask_with(request, other, sizeof other);
    CHECK(!has_the_roots());
    ask_with(request, image_pixels + row * IMAGE_WIDTH, IMAGE_WIDTH);
    CHECK(has_the_roots());
  }
}

static void rows_hashed_ahead_may_change_and_come_in_any_order(void) {
  begin_with_known_scales();
  ask_with("~0002 IMAGE ROWS 00000007 0 raw", image_pixels + HALF, HALF); /* other pixels than the image's */
  send_bottom();
  send_top();
  CHECK(has_the_roots());
  new_image();
  send_bottom();
  send_top();
  CHECK(has_the_roots());
}

/* 224 × 224 pixels at scale 1, sent from the bottom up: row 0 completes 50,176 blocks. */
static void no_row_takes_longer_than_its_answer_may(void) {
  static uint8_t rows[224 * 8];
  char request[40];
  unsigned most = 0;
  boot();
  for (unsigned image = 1; image <= 2; image++) {
    (void)snprintf(request, sizeof request, "~0001 IMAGE NEW 0000000%u 224 224", image);
    ask(request);
    for (unsigned first = 224; first > 0; first -= 8) {
      unsigned before = b.hashes;
      (void)snprintf(request, sizeof request, "~0002 IMAGE ROWS 0000000%u %u raw", image, first - 8);
      ask_with(request, rows, sizeof rows);
      if (b.hashes - before > most) most = b.hashes - before;
    }
    (void)snprintf(request, sizeof request, "~0003 IMAGE ROOTS 0000000%u 1", image);
    forget_answers();
    ask(request);
    CHECK(said("~0003 OK 1a2b3c4d 1="));
  }
  CHECK(most > 1000 && most <= 3 * LV06_AHEAD_BLOCKS); /* a block's digest, its leaf, and one seam a block */
}

/* 512 blocks are two rows of 224 and a part of the third, which then changes. */
static void a_row_that_is_hashed_in_part_may_change(void) {
  static uint8_t rows[224 * 3];
  uint8_t answer[120];
  static const uint8_t changed[224] = {7};
  boot();
  for (unsigned image = 1; image <= 2; image++) {
    char request[40];
    (void)snprintf(request, sizeof request, "~0001 IMAGE NEW 0000000%u 224 3", image);
    ask(request);
    (void)snprintf(request, sizeof request, "~0002 IMAGE ROWS 0000000%u 0 raw", image);
    ask_with(request, rows, sizeof rows);
    (void)snprintf(request, sizeof request, "~0002 IMAGE ROWS 0000000%u 2 raw", image);
    ask_with(request, changed, sizeof changed);
    (void)snprintf(request, sizeof request, "~0003 IMAGE ROOTS 0000000%u 1", image);
    forget_answers();
    ask(request);
    CHECK(mentions("~0003 OK 1a2b3c4d 1=") && b.length < sizeof answer);
    if (image == 1) memcpy(answer, b.bytes, b.length);
    CHECK(memcmp(answer, b.bytes, b.length) == 0);
  }
}

static void what_was_hashed_ahead_outlives_no_other_scale(void) {
  begin_with_known_scales();
  send_top();
  send_bottom();
  CHECK(has_the_roots());
  ask("~0005 IMAGE ROOTS 00000007 2");
  CHECK(has_the_roots());
}

/* Wherever the unit fails in a BATCH, whatever is on its way of the image. */
static void a_batch_that_fails_leaves_no_leaf_behind(void) {
  for (unsigned good = 0; good < 50; good++) {
    begin_with_known_scales();
    send_top();
    b.hashes_ok = b.hashes + good;
    ask_with("~0005 BATCH 1 root", "abcdefghijklmnop", 16);
    b.hashes_ok = UINT_MAX;
    send_bottom();
    CHECK(has_the_roots());
    b.hashes_ok = b.hashes + good;
    ask_with("~0005 BATCH 1 root", "abcdefghijklmnop", 16);
    b.hashes_ok = UINT_MAX;
    CHECK(has_the_roots());
    forget_answers();
    ask_with("~0005 BATCH 3 root", "abc", 3);
    CHECK(said("~0005 OK 1a2b3c4d 8a7deab2cc5ee003b6394337538a52b3198f1a6ddeb10c7daf62fe1c9834b43b "));
  }
}

static void a_fault_within_a_row_of_blocks_begins_the_tree_anew(void) {
  for (unsigned good = 0; good < 120; good++) {
    begin_with_known_scales();
    b.hashes_ok = b.hashes + good;
    send_top();
    b.hashes_ok = UINT_MAX;
    send_bottom();
    CHECK(has_the_roots());
  }
}

static void a_fault_within_roots_is_said_and_made_good(void) {
  for (unsigned good = 0;; good++) {
    boot();
    new_image();
    send_top();
    send_bottom();
    forget_answers();
    b.hashes_ok = b.hashes + good;
    ask("~0004 IMAGE ROOTS 00000007 4,2");
    if (b.hashes <= b.hashes_ok) return;
    CHECK(said("~0004 ERR 1a2b3c4d DEVICE "));
    b.hashes_ok = UINT_MAX;
    CHECK(has_the_roots());
  }
}

static void of_an_image_given_up_nothing_is_left(void) {
  learn_the_scales();
  ask("~0001 IMAGE NEW 00000008 4 20");
  ask_with("~0002 IMAGE ROWS 00000008 0 raw", image_pixels, 16);
  new_image();
  send_top();
  send_bottom();
  CHECK(has_the_roots());
}

static void a_known_scale_that_does_not_divide_the_height_is_left_out(void) {
  boot();
  ask("~0001 IMAGE NEW 00000006 16 32");
  ask_with("~0002 IMAGE ROWS 00000006 0 raw", b.raster + 1024, 512);
  ask("~0004 IMAGE ROOTS 00000006 16");
  ask("~0001 IMAGE NEW 00000008 16 40");
  unsigned before = b.hashes;
  ask_with("~0002 IMAGE ROWS 00000008 0 raw", b.raster + 1024, 640);
  CHECK(b.hashes == before);
  forget_answers();
  ask("~0004 IMAGE ROOTS 00000008 8");
  CHECK(said("~0004 OK 1a2b3c4d 8="));
}

void ahead_tests(void) {
  TEST(blocks_are_hashed_while_rows_arrive);
  TEST(roots_and_rows_sent_again_hash_nothing_again);
  TEST(a_row_that_changes_late_changes_the_roots);
  TEST(rows_hashed_ahead_may_change_and_come_in_any_order);
  TEST(no_row_takes_longer_than_its_answer_may);
  TEST(a_row_that_is_hashed_in_part_may_change);
  TEST(what_was_hashed_ahead_outlives_no_other_scale);
  TEST(a_batch_that_fails_leaves_no_leaf_behind);
  TEST(a_fault_within_a_row_of_blocks_begins_the_tree_anew);
  TEST(a_fault_within_roots_is_said_and_made_good);
  TEST(of_an_image_given_up_nothing_is_left);
  TEST(a_known_scale_that_does_not_divide_the_height_is_left_out);
}
