/* What the vectors cannot show: state between requests, chunking, a failing SHA unit, bytes of every kind. */
#include <stdio.h>
#include <stdlib.h>

#include "../core/crc32.h"
#include "../core/text.h"
#include "bench_hal.h"

static bench b;
static lv06_core core;
static lv06_hal hal;

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);          \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

static void boot(void) {
  memset(&b, 0, sizeof b);
  hal = bench_hal(&b);
  lv06_start(&core, &hal);
  b.length = 0;
}

static void feed(const char *text) { lv06_feed(&core, (const uint8_t *)text, strlen(text)); }

/* Sends `body`, such as "~0001 PING", with its CRC. */
static void ask(const char *body) {
  uint8_t line[3000];
  lv06_text text = {line, sizeof line, 0, false};
  lv06_put(&text, body);
  lv06_put(&text, " ");
  lv06_put_hex(&text, lv06_crc32(line, text.length), 8);
  lv06_put(&text, "\n");
  lv06_feed(&core, line, text.length);
}

static bool answered(const char *start) {
  size_t length = strlen(start);
  bool same = b.length >= length && memcmp(b.bytes, start, length) == 0;
  b.length = 0;
  return same;
}

static void a_retry_gets_the_same_reply_without_a_second_hash(void) {
  boot();
  ask("~0005 HASH 616263");
  CHECK(b.hashes == 1);
  CHECK(answered("~0005 OK 1a2b3c4d ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad "));
  ask("~0005 HASH 616263");
  CHECK(b.hashes == 1);
  CHECK(answered("~0005 OK 1a2b3c4d ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad "));
}

static void the_same_number_with_another_request_is_not_a_retry(void) {
  boot();
  ask("~0005 HASH 616263");
  ask("~0005 HASH 616264");
  CHECK(b.hashes == 2);
}

static void the_cache_holds_every_request_of_a_full_window(void) {
  char request[32];
  boot();
  for (unsigned i = 1; i <= LV06_CREDIT_LINES; i++) {
    (void)snprintf(request, sizeof request, "~%04x HASH %02x", i, i);
    ask(request);
  }
  for (unsigned i = 1; i <= LV06_CREDIT_LINES; i++) {
    (void)snprintf(request, sizeof request, "~%04x HASH %02x", i, i);
    ask(request);
  }
  CHECK(b.hashes == LV06_CREDIT_LINES);
}

static void hello_forgets_earlier_replies(void) {
  boot();
  ask("~0005 HASH 616263");
  ask("~0006 HELLO 1 0a0b0c0d");
  ask("~0005 HASH 616263");
  CHECK(b.hashes == 2);
}

static void a_failing_sha_unit_is_named(void) {
  boot();
  b.sha_fails = true;
  ask("~0005 HASH 616263");
  CHECK(answered("~0005 ERR 1a2b3c4d DEVICE "));
}

static void the_largest_block_is_hashed_and_one_byte_more_refused(void) {
  static char request[3000];
  boot();
  memset(request, 0, sizeof request);
  memcpy(request, "~0001 HASH ", 11);
  memset(request + 11, 'a', 2048);
  ask(request);
  CHECK(answered("~0001 OK 1a2b3c4d "));
  memset(request + 11, 'a', 2050);
  ask(request);
  CHECK(answered("~0001 ERR 1a2b3c4d LENGTH "));
}

static void an_endless_line_is_dropped_and_the_next_one_understood(void) {
  boot();
  feed("~");
  for (unsigned i = 0; i < 100000; i++) feed("x");
  CHECK(b.length == 0);
  feed("\n");
  CHECK(answered("~0000 NAK 1a2b3c4d LONG "));
  ask("~0007 PING");
  CHECK(answered("~0007 OK 1a2b3c4d "));
}

static void a_reply_that_comes_back_is_not_answered(void) {
  boot();
  ask("~0005 OK 1a2b3c4d");
  ask("~0005 ERR 1a2b3c4d VERB what");
  ask("~0000 NAK 1a2b3c4d CRC");
  ask("~0000 BOOT 1a2b3c4d power-on");
  CHECK(b.length == 0);
}

static void a_question_mark_is_answered_in_words(void) {
  boot();
  feed("?\r\n");
  CHECK(answered("LV06 direct-hash device, protocol 1, simulated. "));
  CHECK(b.bytes[0] != '~');
}

/* SplitMix64's first step is enough to stir a counter. */
static uint64_t stir(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void random_bytes_never_break_it(void) {
  uint8_t noise[256];
  boot();
  for (uint64_t round = 1; round < 20000; round++) {
    size_t length = (size_t)(stir(round * 0x9e3779b97f4a7c15u) % sizeof noise);
    for (size_t i = 0; i < length; i++) {
      static const char likely[] = "~ 0123456789abcdefHASPINGELO\n\r?";
      uint64_t r = stir((round << 16) + i);
      noise[i] = r % 4u == 0 ? (uint8_t)(r >> 8) : (uint8_t)likely[(r >> 8) % (sizeof likely - 1u)];
    }
    lv06_feed(&core, noise, length);
    b.length = 0;
  }
  feed("\n");
  b.length = 0;
  ask("~0007 PING");
  CHECK(answered("~0007 OK 1a2b3c4d "));
}

static void decimals_are_cut_of_their_zeros(void) {
  static const struct {
    int64_t milli;
    const char *text;
  } cases[] = {{0, "0"},           {1, "0.001"},       {1500, "1.5"},
               {-1500, "-1.5"},    {-1, "-0.001"},     {485000, "485"},
               {100010, "100.01"}, {INT64_MIN, "-9223372036854775.808"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t bytes[40];
    lv06_text text = {bytes, sizeof bytes, 0, false};
    lv06_put_milli(&text, cases[i].milli);
    CHECK(text.length == strlen(cases[i].text) && memcmp(bytes, cases[i].text, text.length) == 0);
  }
}

int main(void) {
  a_retry_gets_the_same_reply_without_a_second_hash();
  the_same_number_with_another_request_is_not_a_retry();
  the_cache_holds_every_request_of_a_full_window();
  hello_forgets_earlier_replies();
  a_failing_sha_unit_is_named();
  the_largest_block_is_hashed_and_one_byte_more_refused();
  an_endless_line_is_dropped_and_the_next_one_understood();
  a_reply_that_comes_back_is_not_answered();
  a_question_mark_is_answered_in_words();
  random_bytes_never_break_it();
  decimals_are_cut_of_their_zeros();
  printf("core: 11 tests passed, core state %zu bytes\n", sizeof(lv06_core));
  return 0;
}
