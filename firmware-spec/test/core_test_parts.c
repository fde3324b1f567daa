/* Text, payload, tree, SHA-256, HMAC: the parts, without a device. */
#include "../core/cobs.h"
#include "../core/merkle.h"
#include "../core/text.h"
#include "core_test.h"

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

static void decimals_have_no_leading_zeros(void) {
  uint32_t value;
  CHECK(lv06_take_decimal((const uint8_t *)"0", 1, 9, &value) && value == 0);
  CHECK(lv06_take_decimal((const uint8_t *)"999999999", 9, 9, &value) && value == 999999999u);
  CHECK(!lv06_take_decimal((const uint8_t *)"01", 2, 9, &value));
  CHECK(!lv06_take_decimal((const uint8_t *)"1000000000", 10, 9, &value));
  CHECK(!lv06_take_decimal((const uint8_t *)"", 0, 9, &value));
  CHECK(!lv06_take_decimal((const uint8_t *)"-1", 2, 9, &value));
}

/* Encodes `n` bytes that never are zero but at `zero` (n: nowhere), and reads them again. */
static size_t there_and_back(size_t n, size_t zero) {
  uint8_t data[600], line[700];
  size_t length = 0;
  lv06_text text = {line, sizeof line, 0, false};
  for (size_t i = 0; i < n; i++) data[i] = i == zero ? 0 : (uint8_t)(1u + i % 255u);
  lv06_cobs cobs = lv06_cobs_begin(&text);
  lv06_cobs_add(&cobs, data, n / 2u);
  lv06_cobs_add(&cobs, data + n / 2u, n - n / 2u);
  lv06_cobs_end(&cobs);
  size_t encoded = text.length;
  CHECK(!text.cut && memchr(line, '\n', encoded) == NULL);
  CHECK(lv06_cobs_decode(line, encoded, &length) && length == n && memcmp(line, data, n) == 0);
  return encoded;
}

static void payloads_of_every_length_come_back(void) {
  for (size_t n = 1; n <= 600; n++) {
    CHECK(there_and_back(n, n) == n + (n + 253u) / 254u);
    CHECK(there_and_back(n, 0) <= n + (n + 253u) / 254u);
    CHECK(there_and_back(n, n - 1u) <= n + (n + 253u) / 254u);
    CHECK(there_and_back(n, n / 2u) <= n + (n + 253u) / 254u);
  }
}

static void payloads_are_sent_as_the_specification_writes_them(void) {
  static const struct {
    size_t length, encoded;
    uint8_t data[3], line[4];
  } cases[] = {{1, 2, {0}, {0x0b, 0x0b}}, {1, 2, {0x0a}, {0x08, 0x00}}, {3, 4, {0x11, 0, 0x22}, {8, 0x1b, 8, 0x28}}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t line[8];
    lv06_text text = {line, sizeof line, 0, false};
    lv06_cobs cobs = lv06_cobs_begin(&text);
    lv06_cobs_add(&cobs, cases[i].data, cases[i].length);
    lv06_cobs_end(&cobs);
    CHECK(text.length == cases[i].encoded && memcmp(line, cases[i].line, text.length) == 0);
  }
}

static void damaged_payloads_are_refused(void) {
  size_t length;
  uint8_t beyond[] = {0x09, 1}, empty[] = {0x0b}, line_feed[] = {0x0a, 1};
  CHECK(!lv06_cobs_decode(beyond, sizeof beyond, &length));
  CHECK(!lv06_cobs_decode(empty, sizeof empty, &length));
  CHECK(!lv06_cobs_decode(line_feed, sizeof line_feed, &length));
  CHECK(!lv06_cobs_decode(empty, 0, &length));
}

static void a_payload_too_long_for_the_text_is_cut(void) {
  uint8_t data[300] = {1}, line[300];
  lv06_text text = {line, sizeof line, 0, false};
  lv06_cobs cobs = lv06_cobs_begin(&text);
  lv06_cobs_add(&cobs, data, sizeof data);
  lv06_cobs_end(&cobs);
  CHECK(text.cut && text.length <= sizeof line);
}

static void hash_node(uint8_t prefix, const uint8_t *a, const uint8_t *c, uint8_t *out) {
  uint8_t message[65] = {prefix};
  memcpy(message + 1, a, 32);
  if (c != NULL) memcpy(message + 33, c, 32);
  lv06_sha256(message, c == NULL ? 33 : 65, out);
}

/* RFC 9162 §2.1.1 as it is written, recursion and all. */
static void plain_root(const uint8_t (*leaves)[32], size_t n, uint8_t *out) {
  uint8_t left[32], right[32];
  size_t k = 1;
  if (n == 1) {
    hash_node(0, leaves[0], NULL, out);
    return;
  }
  while (k * 2u < n) k *= 2u;
  plain_root(leaves, k, left);
  plain_root(leaves + k, n - k, right);
  hash_node(1, left, right, out);
}

static bool unit(void *context, const uint8_t *bytes, size_t length, uint8_t digest[32]) {
  (void)context;
  lv06_sha256(bytes, length, digest);
  return true;
}

static void the_tree_grown_leaf_by_leaf_is_that_of_rfc_9162(void) {
  static uint8_t leaves[70][32];
  for (uint8_t i = 0; i < 70; i++) memset(leaves[i], i, 32);
  for (size_t n = 1; n <= 70; n++) {
    uint8_t grown[32], plain[32];
    lv06_tree tree = {0};
    for (size_t i = 0; i < n; i++) CHECK(lv06_tree_add(&tree, unit, NULL, leaves[i]));
    CHECK(lv06_tree_root(&tree, unit, NULL, grown));
    plain_root((const uint8_t(*)[32])leaves, n, plain);
    CHECK(memcmp(grown, plain, 32) == 0);
    memset(grown, 0, sizeof grown);
    CHECK(lv06_tree_root(&tree, unit, NULL, grown) && memcmp(grown, plain, 32) == 0);
  }
}

static bool broken_unit(void *context, const uint8_t *bytes, size_t length, uint8_t digest[32]) {
  (void)context;
  lv06_sha256(bytes, length, digest);
  return false;
}

static void a_tree_without_leaves_has_no_root_and_a_fault_leaves_one(void) {
  uint8_t digest[32] = {0};
  lv06_tree tree = {0};
  CHECK(!lv06_tree_root(&tree, unit, NULL, digest));
  for (unsigned i = 0; i < 3; i++) CHECK(lv06_tree_add(&tree, unit, NULL, digest));
  CHECK(!lv06_tree_root(&tree, broken_unit, NULL, digest) && tree.leaves == 0);
  CHECK(lv06_tree_add(&tree, unit, NULL, digest) && !lv06_tree_add(&tree, broken_unit, NULL, digest));
  CHECK(!lv06_tree_root(&tree, unit, NULL, digest));
}

static void sha_256_does_not_care_for_the_pieces(void) {
  uint8_t data[300], whole[32], parts[32];
  for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)i;
  for (size_t n = 0; n <= sizeof data; n++) {
    lv06_sha256_stream stream;
    lv06_sha256(data, n, whole);
    lv06_sha256_start(&stream);
    lv06_sha256_add(&stream, data, n / 3u);
    lv06_sha256_add(&stream, data + n / 3u, n - n / 3u);
    lv06_sha256_end(&stream, parts);
    CHECK(memcmp(whole, parts, sizeof whole) == 0);
  }
}

/* RFC 4231, test case 2. */
static void hmac_is_that_of_rfc_4231(void) {
  static const uint8_t expected[4] = {0x5b, 0xdc, 0xc1, 0x46};
  uint8_t mac[32];
  lv06_hmac_sha256((const uint8_t *)"Jefe", 4, (const uint8_t *)"what do ya want for nothing?", 28, mac);
  CHECK(memcmp(mac, expected, sizeof expected) == 0);
}

void part_tests(void) {
  TEST(decimals_are_cut_of_their_zeros);
  TEST(decimals_have_no_leading_zeros);
  TEST(payloads_of_every_length_come_back);
  TEST(payloads_are_sent_as_the_specification_writes_them);
  TEST(damaged_payloads_are_refused);
  TEST(a_payload_too_long_for_the_text_is_cut);
  TEST(the_tree_grown_leaf_by_leaf_is_that_of_rfc_9162);
  TEST(a_tree_without_leaves_has_no_root_and_a_fault_leaves_one);
  TEST(sha_256_does_not_care_for_the_pieces);
  TEST(hmac_is_that_of_rfc_4231);
}
