#include "core_test.h"
#include "core_test_fixtures.h"

static const size_t stream_count = sizeof streams / sizeof streams[0];
static uint8_t out[8192];

static void check_digest(const uint8_t *bytes, size_t length, const char *expected) {
  uint8_t digest[32];
  char hex[65];
  lv06_sha256(bytes, length, digest);
  for (size_t i = 0; i < 32; i++) (void)snprintf(hex + 2u * i, 3, "%02x", digest[i]);
  CHECK(strcmp(hex, expected) == 0);
}

static void streams_of_every_kind_inflate_or_are_refused(void) {
  for (size_t i = 0; i < stream_count; i++) {
    size_t made = lv06_inflate(streams[i].bytes, streams[i].length, out, sizeof out);
    if (made != streams[i].made) fprintf(stderr, "%s\n", streams[i].name);
    CHECK(made == streams[i].made);
    if (made > 0) check_digest(out, made, streams[i].sha256);
  }
}

static void a_stream_that_makes_one_byte_too_many_is_refused(void) {
  for (size_t i = 0; i < stream_count; i++) {
    if (streams[i].made == 0) continue;
    CHECK(lv06_inflate(streams[i].bytes, streams[i].length, out, streams[i].made) == streams[i].made);
    CHECK(lv06_inflate(streams[i].bytes, streams[i].length, out, streams[i].made - 1u) == 0);
  }
}

/* The copy on the heap lets the address sanitizer see a read past its end. */
static void an_unfinished_stream_is_refused_at_every_byte(void) {
  for (size_t i = 0; i < stream_count; i++) {
    for (size_t length = 0; streams[i].made > 0 && length < streams[i].length; length++) {
      uint8_t *part = malloc(length + 1u);
      CHECK(part != NULL);
      memcpy(part + 1, streams[i].bytes, length);
      CHECK(lv06_inflate(part + 1, length, out, sizeof out) == 0);
      free(part);
    }
  }
}

static void a_flipped_bit_never_makes_it_read_or_write_outside(void) {
  for (size_t i = 0; i < stream_count; i++) {
    for (size_t at = 0; at < streams[i].length * 8u; at++) {
      uint8_t *damaged = malloc(streams[i].length);
      CHECK(damaged != NULL);
      memcpy(damaged, streams[i].bytes, streams[i].length);
      damaged[at / 8u] ^= (uint8_t)(1u << at % 8u);
      CHECK(lv06_inflate(damaged, streams[i].length, out, sizeof out) <= sizeof out);
      free(damaged);
    }
  }
}

void inflate_tests(void) {
  TEST(streams_of_every_kind_inflate_or_are_refused);
  TEST(a_stream_that_makes_one_byte_too_many_is_refused);
  TEST(an_unfinished_stream_is_refused_at_every_byte);
  TEST(a_flipped_bit_never_makes_it_read_or_write_outside);
}
