#include "core_test.h"

#define GENESIS                                                      \
  "0100000000000000000000000000000000000000000000000000000000000000" \
  "000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa" \
  "4b1e5e4a29ab5f49ffff001d"
#define DIFFICULTY_1 "00000000ffff0000000000000000000000000000000000000000000000000000"
/* The block's own hash is 000000000019d668…: this target is just below it, and more than half of it. */
#define JUST_BELOW "000000000019d668000000000000000000000000000000000000000000000000"
/* The genesis block's hash. */
#define EXACTLY "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
#define ONE_LESS "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26e"
#define ANYTHING "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define FAR_BELOW "0000000000000001000000000000000000000000000000000000000000000000"

static void search(const char *id, const char *target, const char *mask, unsigned deadline_ms) {
  char request[400];
  (void)snprintf(request, sizeof request, "~0001 WORK START %s " GENESIS "deadbeef %s %s %u", id, target, mask,
                 deadline_ms);
  ask(request);
}

static void start(void) { search("0000000a", DIFFICULTY_1, "00000000", 60000); }

static void a_nonce_that_meets_the_target_is_found(void) {
  boot();
  start();
  CHECK(said("~0001 OK 1a2b3c4d 0000000a running elapsedMs=0 hashes=0 "));
  CHECK(wait_ms(11) <= 11 && said_nothing());
  CHECK(wait_ms(1) == UINT32_MAX);
  CHECK(said("~0000 WORK 1a2b3c4d 0000000a found elapsedMs=12 hashes=4294967296 errors=0 nonce=7c2bac1d "
             "version=00000001 mac=ac7e781e7e300f91"));
  CHECK(b.stops == 1);
}

static void the_job_has_no_nonce_and_its_words_as_they_were_written(void) {
  static const uint8_t zeros[4];
  boot();
  search("0000000a", DIFFICULTY_1, "1fffe000", 60000);
  CHECK(b.job.version_mask == 0x1fffe000u);
  CHECK(b.job.header[0] == 1 && b.job.header[36] == 0x3b && b.job.header[75] == 0x1d);
  CHECK(memcmp(b.job.header + 76, zeros, 4) == 0);
  CHECK(b.job.target[3] == 0 && b.job.target[4] == 0xff);
}

static void the_result_stands_still_and_can_be_asked_for_again(void) {
  boot();
  start();
  (void)wait_ms(12);
  forget_answers();
  (void)wait_ms(5000);
  CHECK(said_nothing());
  ask("~0002 WORK STATUS 0000000a");
  CHECK(said("~0002 OK 1a2b3c4d 0000000a found elapsedMs=12 hashes=4294967296 errors=0 nonce=7c2bac1d "));
  ask("~0003 WORK STOP 0000000a");
  CHECK(said("~0003 OK 1a2b3c4d 0000000a found elapsedMs=12 "));
  CHECK(b.stops == 1);
}

static void a_device_without_a_key_adds_no_mac(void) {
  boot();
  hal.hmac = NULL;
  start();
  (void)wait_ms(12);
  CHECK(!mentions("version=00000001 mac="));
  CHECK(mentions("version=00000001 "));
  boot();
  b.hmac_fails = true;
  start();
  (void)wait_ms(12);
  CHECK(!mentions(" mac="));
}

static void the_same_start_again_changes_nothing(void) {
  boot();
  start();
  b.now_ms += 5;
  b.asic_busy = true;
  forget_answers();
  search("0000000a", FAR_BELOW, "ffffffff", 1);
  CHECK(said("~0001 OK 1a2b3c4d 0000000a running elapsedMs=5 "));
  CHECK(b.starts == 1);
  ask("~0002 WORK STOP 0000000a");
  CHECK(said("~0002 OK 1a2b3c4d 0000000a stopped elapsedMs=5 "));
  start();
  CHECK(said("~0001 OK 1a2b3c4d 0000000a stopped elapsedMs=5 "));
  CHECK(b.starts == 1);
}

static void a_start_of_another_id_replaces_the_search_without_a_notice(void) {
  boot();
  start();
  forget_answers();
  search("0000000b", DIFFICULTY_1, "00000000", 60000);
  CHECK(said("~0001 OK 1a2b3c4d 0000000b running elapsedMs=0 "));
  ask("~0002 WORK STATUS 0000000a");
  CHECK(said("~0002 ERR 1a2b3c4d STATE "));
  ask("~0003 WORK STOP 0000000a");
  CHECK(said("~0003 ERR 1a2b3c4d STATE "));
  CHECK(b.starts == 2);
}

static void an_asic_that_is_not_free_leaves_the_search_as_it_is(void) {
  boot();
  start();
  forget_answers();
  b.asic_busy = true;
  search("0000000b", DIFFICULTY_1, "00000000", 60000);
  CHECK(said("~0001 ERR 1a2b3c4d BUSY "));
  ask("~0002 WORK STATUS 0000000a");
  CHECK(said("~0002 OK 1a2b3c4d 0000000a running "));
}

static void a_search_says_every_two_seconds_that_it_goes_on(void) {
  boot();
  b.events[0].nonce.nonce = 0;
  start();
  forget_answers();
  CHECK(wait_ms(1999) <= 10 && said_nothing());
  (void)wait_ms(1);
  CHECK(said("~0000 WORK 1a2b3c4d 0000000a running elapsedMs=2000 hashes=4294967296 errors=1 "));
  (void)wait_ms(1999);
  CHECK(said_nothing());
  (void)wait_ms(1);
  CHECK(said("~0000 WORK 1a2b3c4d 0000000a running elapsedMs=4000 "));
}

static void the_deadline_ends_it(void) {
  boot();
  b.events[0].nonce.nonce = 0;
  search("0000000a", DIFFICULTY_1, "00000000", 1500);
  forget_answers();
  (void)wait_ms(1499);
  CHECK(said_nothing());
  (void)wait_ms(1);
  CHECK(said("~0000 WORK 1a2b3c4d 0000000a expired elapsedMs=1500 "));
  CHECK(b.stops == 1);
  (void)wait_ms(3000);
  CHECK(said_nothing());
}

static void a_status_after_the_deadline_finds_it_expired(void) {
  boot();
  b.events[0].nonce.nonce = 0;
  search("0000000a", DIFFICULTY_1, "00000000", 1500);
  forget_answers();
  b.now_ms += 1500;
  ask("~0002 WORK STATUS 0000000a");
  CHECK(said_two("~0000 WORK 1a2b3c4d 0000000a expired ", "~0002 OK 1a2b3c4d 0000000a expired "));
}

static void an_asic_that_ends_or_fails_says_so_once(void) {
  boot();
  b.events[0].news = LV06_WORK_EXHAUSTED;
  start();
  forget_answers();
  (void)wait_ms(12);
  CHECK(said("~0000 WORK 1a2b3c4d 0000000a exhausted elapsedMs=12 hashes=4294967296 "));
  boot();
  b.events[0].news = LV06_WORK_FAILED;
  start();
  forget_answers();
  (void)wait_ms(12);
  CHECK(said("~0000 WORK 1a2b3c4d 0000000a failed elapsedMs=12 hashes=4294967296 "));
  (void)wait_ms(2000);
  CHECK(said_nothing());
}

/* What the device reports of a search in which the ASIC gave its one nonce. */
static bool status_is(const char *words) {
  char expected[100];
  forget_answers();
  (void)wait_ms(12);
  forget_answers();
  ask("~0002 WORK STATUS 0000000a");
  (void)snprintf(expected, sizeof expected, "~0002 OK 1a2b3c4d 0000000a %s", words);
  return said(expected);
}

static void a_nonce_that_does_not_verify_counts_as_an_error(void) {
  boot();
  b.events[0].nonce.nonce = 1;
  start();
  CHECK(status_is("running elapsedMs=12 hashes=4294967296 errors=1 "));
  ask("~0003 HEALTH");
  CHECK(mentions(" errors=1 "));
}

static void a_nonce_just_short_of_the_target_is_no_error(void) {
  boot();
  search("0000000a", JUST_BELOW, "00000000", 60000);
  CHECK(status_is("running elapsedMs=12 hashes=4294967296 errors=0 "));
  boot();
  search("0000000a", FAR_BELOW, "00000000", 60000);
  CHECK(status_is("running elapsedMs=12 hashes=4294967296 errors=1 "));
}

static void a_digest_equal_to_the_target_meets_it(void) {
  boot();
  search("0000000a", EXACTLY, "00000000", 60000);
  CHECK(status_is("found elapsedMs=12 "));
  boot();
  search("0000000a", ONE_LESS, "00000000", 60000);
  CHECK(status_is("running elapsedMs=12 hashes=4294967296 errors=0 "));
}

static void every_byte_of_the_version_is_compared(void) {
  static const uint32_t changed[] = {0x00000002, 0x00000100, 0x00010000, 0x01000000};
  for (size_t i = 0; i < 4; i++) {
    boot();
    b.events[0].nonce.version = 1u ^ changed[i];
    search("0000000a", ANYTHING, "00000000", 60000);
    CHECK(status_is("running elapsedMs=12 hashes=4294967296 errors=1 "));
    boot();
    b.events[0].nonce.version = 1u ^ changed[i];
    search("0000000a", ANYTHING, "ffffffff", 60000);
    CHECK(status_is("found elapsedMs=12 "));
  }
}

static void the_version_is_little_endian_in_the_header(void) {
  boot();
  b.events[0].nonce.version = 0xa1b2c3d4u;
  ask("~0001 WORK START 0000000a "
      "d4c3b2a10000000000000000000000000000000000000000000000000000000000000000000000000000"
      "0000000000000000000000000000000000000000000000000000000000000000000000000000 " ANYTHING " 00000000 1000");
  CHECK(status_is("found elapsedMs=12 hashes=4294967296 errors=0 nonce=7c2bac1d version=a1b2c3d4 "));
}

static void a_version_outside_the_mask_is_an_error(void) {
  boot();
  b.events[0].nonce.version = 0x00002001u;
  search("0000000a", DIFFICULTY_1, "00000000", 60000);
  CHECK(status_is("running elapsedMs=12 hashes=4294967296 errors=1 "));
  /* Within the mask it is hashed, and then is not the genesis block. */
  boot();
  b.events[0].nonce.version = 0x00002001u;
  search("0000000a", ANYTHING, "00002000", 60000);
  CHECK(status_is("found elapsedMs=12 hashes=4294967296 errors=0 nonce=7c2bac1d version=00002001 "));
}

static void a_failing_sha_unit_finds_nothing(void) {
  boot();
  b.hashes_ok = 1;
  start();
  CHECK(status_is("running elapsedMs=12 hashes=4294967296 errors=1 "));
}

static void hello_lets_the_search_go_on(void) {
  boot();
  start();
  ask("~0002 HELLO 1 0a0b0c0d");
  forget_answers();
  ask("~0003 WORK STATUS 0000000a");
  CHECK(said("~0003 OK 1a2b3c4d 0000000a running "));
}

static lv06_work_news flood(void *context, lv06_nonce *found) {
  (void)context;
  *found = (lv06_nonce){0, 1};
  return LV06_WORK_NONCE;
}

static void an_asic_gone_mad_does_not_stop_the_line(void) {
  boot();
  hal.work_poll = flood;
  start();
  forget_answers();
  CHECK(wait_ms(1) <= 10);
  ask("~0002 PING");
  CHECK(said("~0002 OK 1a2b3c4d "));
}

void work_tests(void) {
  TEST(a_nonce_that_meets_the_target_is_found);
  TEST(the_job_has_no_nonce_and_its_words_as_they_were_written);
  TEST(the_result_stands_still_and_can_be_asked_for_again);
  TEST(a_device_without_a_key_adds_no_mac);
  TEST(the_same_start_again_changes_nothing);
  TEST(a_start_of_another_id_replaces_the_search_without_a_notice);
  TEST(an_asic_that_is_not_free_leaves_the_search_as_it_is);
  TEST(a_search_says_every_two_seconds_that_it_goes_on);
  TEST(the_deadline_ends_it);
  TEST(a_status_after_the_deadline_finds_it_expired);
  TEST(an_asic_that_ends_or_fails_says_so_once);
  TEST(a_nonce_that_does_not_verify_counts_as_an_error);
  TEST(a_nonce_just_short_of_the_target_is_no_error);
  TEST(a_digest_equal_to_the_target_meets_it);
  TEST(every_byte_of_the_version_is_compared);
  TEST(the_version_is_little_endian_in_the_header);
  TEST(a_version_outside_the_mask_is_an_error);
  TEST(a_failing_sha_unit_finds_nothing);
  TEST(hello_lets_the_search_go_on);
  TEST(an_asic_gone_mad_does_not_stop_the_line);
}
