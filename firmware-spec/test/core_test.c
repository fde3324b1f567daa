/* What the vectors cannot show: state between requests, time, chunking, failing hardware, bytes of every kind. */
#include "core_test.h"

#include "../core/cobs.h"
#include "../core/crc32.h"
#include "../core/frame.h"

bench b;
lv06_core core;
lv06_hal hal;
static unsigned passed;
static uint8_t last[LV06_REPLY_MAX];
static size_t last_length;

void test_run(void (*test)(void), const char *name) {
  (void)name; /* in a debugger it says where one is */
  test();
  passed++;
}

void boot(void) {
  memset(&b, 0, sizeof b);
  hal = bench_hal(&b);
  lv06_start(&core, &hal);
  b.length = 0;
}

void feed(const char *text) { lv06_feed(&core, (const uint8_t *)text, strlen(text)); }

void ask_with(const char *body, const void *bytes, size_t length) {
  static uint8_t line[6000];
  lv06_text text = {line, sizeof line, 0, false};
  lv06_put(&text, body);
  if (length > 0) {
    lv06_put(&text, " :");
    lv06_cobs cobs = lv06_cobs_begin(&text);
    lv06_cobs_add(&cobs, bytes, length);
    lv06_cobs_end(&cobs);
  }
  lv06_frame_end(&text);
  lv06_feed(&core, line, text.length);
}

void ask(const char *body) { ask_with(body, NULL, 0); }

uint32_t wait_ms(uint64_t ms) {
  b.now_ms += ms;
  return lv06_poll(&core);
}

/* Takes the first line off what the device has said. */
static bool next_begins(const char *start) {
  size_t length = strlen(start);
  const uint8_t *end = memchr(b.bytes, '\n', b.length);
  if (end == NULL) return false;
  last_length = (size_t)(end - b.bytes);
  if (last_length > sizeof last) return false;
  memcpy(last, b.bytes, last_length);
  b.length -= last_length + 1u;
  memmove(b.bytes, end + 1, b.length);
  return last_length >= length && memcmp(last, start, length) == 0;
}

bool said_nothing(void) { return b.length == 0; }
bool said(const char *first) { return next_begins(first) && b.length == 0; }
bool said_two(const char *first, const char *second) {
  return next_begins(first) && next_begins(second) && b.length == 0;
}

bool mentions(const char *words) {
  size_t length = strlen(words);
  for (size_t i = 0; i + length <= b.length; i++) {
    if (memcmp(b.bytes + i, words, length) == 0) return true;
  }
  return false;
}

void forget_answers(void) { b.length = 0; }

const uint8_t *payload(size_t *length) {
  lv06_frame frame;
  if (lv06_frame_parse(last, last_length, &frame) != LV06_FRAME) return NULL;
  *length = frame.payload.length;
  return frame.payload.bytes;
}

int main(void) {
  part_tests();
  inflate_tests();
  command_tests();
  error_tests();
  image_tests();
  ahead_tests();
  work_tests();
  rate_tests();
  printf("core: %u tests passed, core state %zu bytes\n", passed, sizeof(lv06_core));
  return 0;
}
