/* Lines, HELLO, hashes, keys, health, log and reset. */
#include "../core/frame.h"
#include "core_test.h"

#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void a_start_is_announced(void) {
  boot();
  lv06_start(&core, &hal);
  CHECK(said("~0000 BOOT 1a2b3c4e power-on "));
}

static void a_request_sent_twice_is_answered_twice_alike(void) {
  boot();
  ask("~0005 HASH 616263");
  ask("~0005 HASH 616263");
  CHECK(said_two("~0005 OK 1a2b3c4d " ABC " ", "~0005 OK 1a2b3c4d " ABC " "));
}

static void hello_names_what_the_board_has(void) {
  boot();
  ask("~0001 HELLO 1 0a0b0c0d maxLine=65536");
  CHECK(said("~0001 OK 1a2b3c4d proto=1 nonce=0a0b0c0d firmware=vectors/1 device=vectors "
             "caps=hash,batch,image,health,work,attest,key,baud,log,reset maxLine=2304 maxReply=2304 lines=64 "
             "bytes=16384 maxBlock=1024 maxImage=50176 inflate=8192 rates=115200,460800,921600 simulated=1 "));
}

static void hello_leaves_out_what_it_lacks(void) {
  boot();
  hal.hmac = NULL;
  hal.raster = NULL;
  hal.sensors = NULL;
  hal.work_start = NULL;
  hal.set_rate = NULL;
  hal.log_level = NULL;
  hal.restart = NULL;
  hal.simulated = false;
  lv06_start(&core, &hal);
  CHECK(said("~0000 BOOT 1a2b3c4e unknown "));
  ask("~0001 HELLO 9999 0a0b0c0d");
  CHECK(said("~0001 OK 1a2b3c4e proto=1 nonce=0a0b0c0d firmware=vectors/1 device=vectors caps=hash,batch "
             "maxLine=2304 maxReply=2304 lines=64 bytes=16384 maxBlock=1024 "));
}

static void hello_announces_neither_an_image_of_no_pixels_nor_a_rate_it_has_not(void) {
  boot();
  hal.raster_size = 0;
  hal.rate_count = 0;
  ask("~0001 HELLO 1 0a0b0c0d");
  CHECK(!mentions("image") && !mentions("maxImage") && !mentions("baud") && !mentions("rates="));
  forget_answers();
  ask("~0002 BAUD 115200");
  CHECK(said("~0002 ERR 1a2b3c4d VERB "));
}

static void a_hello_with_everything_at_its_longest_fits_512_bytes(void) {
  static const char name[] = "0123456789012345678901234567890123456789012345678901234567890123";
  static const uint32_t rates[] = {115200, 230400, 460800, 576000, 921600, 1000000, 1500000, 2000000};
  boot();
  hal.firmware = name;
  hal.device = name;
  hal.rates = rates;
  hal.rate_count = LV06_RATES_MAX;
  ask("~0001 HELLO 1 0a0b0c0d");
  CHECK(b.length <= 512 && mentions(" simulated=1 "));
}

static void hello_quiets_the_boards_log(void) {
  boot();
  ask("~0001 LOG 5");
  CHECK(b.log_level == 5);
  ask("~0001 HELLO 1 0a0b0c0d");
  CHECK(b.log_level == 0);
}

static void a_hello_in_error_changes_nothing(void) {
  boot();
  ask("~0001 IMAGE NEW 00000007 2 2");
  ask_with("~0002 IMAGE ROWS 00000007 0 raw", "abcd", 4);
  ask("~0003 HELLO 0 0a0b0c0d");
  forget_answers();
  CHECK(b.log_level == 3);
  ask("~0004 IMAGE ROOTS 00000007 2");
  CHECK(said("~0004 OK 1a2b3c4d 2="));
}

static void the_largest_block_is_hashed_and_one_byte_more_refused(void) {
  static char request[3000];
  boot();
  memset(request, 0, sizeof request);
  memcpy(request, "~0001 HASH ", 11);
  memset(request + 11, 'a', 2048);
  ask(request);
  CHECK(said("~0001 OK 1a2b3c4d "));
  memset(request + 11, 'a', 2050);
  ask(request);
  CHECK(said("~0001 ERR 1a2b3c4d LENGTH "));
}

static void a_batch_gives_each_digest_or_their_root(void) {
  size_t length;
  uint8_t digest[32];
  boot();
  ask_with("~0001 BATCH 3 digests", "abcdef", 6);
  CHECK(said("~0001 OK 1a2b3c4d :"));
  const uint8_t *digests = payload(&length);
  CHECK(digests != NULL && length == 64);
  lv06_sha256((const uint8_t *)"def", 3, digest);
  CHECK(memcmp(digests + 32, digest, 32) == 0);
  ask_with("~0002 BATCH 2 root", "\x01\x02\x0a", 4);
  CHECK(said("~0002 OK 1a2b3c4d f6ffe7a6e88412aa38ee99d641238ef59a7e21c5be2de362e91cee17abe7d961 "));
}

/* 29 + 70 · 32 + 9 = 2278 bytes; 71 digests would count as 2310. */
static void a_batch_answers_as_many_digests_as_a_line_holds(void) {
  static uint8_t blocks[71];
  boot();
  ask("~0001 HELLO 1 0a0b0c0d maxLine=65536");
  forget_answers();
  ask_with("~0002 BATCH 1 digests", blocks, 70);
  CHECK(b.length <= 2278 && said("~0002 OK 1a2b3c4d :"));
  ask_with("~0003 BATCH 1 digests", blocks, 71);
  CHECK(said("~0003 ERR 1a2b3c4d LENGTH "));
  ask_with("~0004 BATCH 1 root", blocks, 71);
  CHECK(said("~0004 OK 1a2b3c4d "));
}

static void attest_and_key_are_under_the_devices_key(void) {
  boot();
  ask("~000b ATTEST " ONES " " TWOS);
  CHECK(said("~000b OK 1a2b3c4d ece0fc2749fa10cc4455f424a78c21ad73cd07d185306e0bef39ad29c6adcc2f "));
  ask("~000c KEY 3333333333333333333333333333333333333333333333333333333333333333");
  CHECK(said("~000c OK 1a2b3c4d 0c3494eaf53cb19048f5c1e9ce0f49103d20042c3bf9fe98bdf07cbba4af29c2 "));
}

static void health_leaves_out_what_is_not_known(void) {
  boot();
  ask("~0001 HEALTH");
  CHECK(said("~0001 OK 1a2b3c4d tempC=58.25 powerW=12.6 coreMv=1200 inputMv=5040 currentMa=2500 frequencyMhz=485 "
             "hashrateGhs=433.59 errors=0 freeHeapB=182000 uptimeS=12 resetReason=power-on "));
}

static void mad_sensors(void *context, lv06_readings *readings) {
  (void)context;
  for (size_t i = 0; i < LV06_SENSORS; i++) {
    readings->known[i] = true;
    readings->milli[i] = i % 2u == 0 ? INT64_MAX / 2 : INT64_MIN / 2;
  }
}

static void mad_sensors_stay_within_nine_digits(void) {
  boot();
  hal.sensors = mad_sensors;
  b.now_ms = UINT64_MAX / 2;
  ask("~0001 HEALTH");
  CHECK(b.length <= 512 && mentions(" tempC=999999999 vrTempC=-999999999 ") && mentions(" uptimeS=999999999 "));
}

static void reset_restarts_once_and_ends_the_search(void) {
  boot();
  ask("~0001 RESET 1a2b3c4e");
  CHECK(said("~0001 ERR 1a2b3c4d BOOT "));
  CHECK(b.restarts == 0);
  ask("~0002 WORK START 0000000a " ONES ONES "11111111111111111111111111111111 " ONES " 00000000 60000");
  CHECK(said("~0002 OK 1a2b3c4d 0000000a running ") && b.searching);
  ask("~0001 RESET 1a2b3c4d");
  CHECK(said("~0001 OK 1a2b3c4d ") && b.stops == 1);
  ask("~0002 PING");
  feed("?\n");
  CHECK(said_nothing() && wait_ms(0) == UINT32_MAX);
  CHECK(b.restarts == 1);
}

static void an_endless_line_is_dropped_and_the_next_one_understood(void) {
  boot();
  feed("~");
  for (unsigned i = 0; i < 100000; i++) feed("x");
  CHECK(b.length == 0);
  feed("\n");
  CHECK(said("~0000 NAK 1a2b3c4d LONG "));
  ask("~0007 PING");
  CHECK(said("~0007 OK 1a2b3c4d "));
}

static void a_line_in_single_bytes_is_the_same_line(void) {
  static const char line[] = "~0002 HASH 616263 3a56d140\r\n";
  boot();
  for (size_t i = 0; i < sizeof line - 1u; i++) lv06_feed(&core, (const uint8_t *)line + i, 1);
  CHECK(said("~0002 OK 1a2b3c4d " ABC " "));
}

/* 3.1: the CR does not count. What else stands there does. */
static void a_line_of_full_length_may_end_with_a_carriage_return(void) {
  static const char *const ends[] = {"\n", "\r\n", "x\n", "x\r\n", "\r\r\n"};
  for (size_t end = 0; end < 5; end++) {
    uint8_t line[LV06_LINE_MAX];
    lv06_text text = {line, sizeof line, 0, false};
    boot();
    lv06_put(&text, "~0007 PING ");
    while (text.length < sizeof line - LV06_FRAME_TAIL) lv06_put(&text, "x");
    lv06_frame_end(&text);
    lv06_feed(&core, line, sizeof line - 1u);
    feed(ends[end]);
    CHECK(said(end < 2 ? "~0007 ERR 1a2b3c4d ARGS " : "~0000 NAK 1a2b3c4d LONG "));
    ask("~0008 PING");
    CHECK(said("~0008 OK 1a2b3c4d "));
  }
}

static void a_reply_that_comes_back_is_not_answered(void) {
  boot();
  ask("~0005 OK 1a2b3c4d");
  ask("~0005 ERR 1a2b3c4d VERB what");
  ask("~0000 NAK 1a2b3c4d CRC");
  ask("~0000 BOOT 1a2b3c4d power-on");
  ask("~0000 WORK 1a2b3c4d 0000000a running elapsedMs=0 hashes=0");
  CHECK(said_nothing());
}

static void a_question_mark_is_answered_in_words(void) {
  boot();
  feed("?\r\n");
  CHECK(said("LV06 direct-hash device, protocol 1, simulated. "));
}

static void log_is_never_answered(void) {
  boot();
  feed("I (312) wifi: started\nAT+GMM\n\n\r\n??\n \xff\n");
  CHECK(said_nothing());
}

/* Wherever a second is begun to be counted. */
static void a_storm_of_damage_gets_ten_naks_in_any_second(void) {
  static uint64_t sent_ms[1000];
  size_t sent = 0, fed = 0;
  boot();
  for (uint64_t ms = 0; ms < 5000; ms++) {
    b.now_ms++;
    if (ms % 700 < 650 && ms % 7 != 0) continue;
    feed("~damage\n");
    fed++;
    if (said("~0000 NAK 1a2b3c4d FORM ")) sent_ms[sent++] = b.now_ms;
    CHECK(said_nothing() && (sent <= 10 || sent_ms[sent - 1] - sent_ms[sent - 11] >= 1000));
  }
  CHECK(sent >= 40 && core.discarded == fed);
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
      static const char likely[] = "~ 0123456789abcdefHASPINGELO\n\r?:";
      uint64_t r = stir((round << 16) + i);
      noise[i] = r % 4u == 0 ? (uint8_t)(r >> 8) : (uint8_t)likely[(r >> 8) % (sizeof likely - 1u)];
    }
    lv06_feed(&core, noise, length);
    b.length = 0;
  }
  feed("\n");
  forget_answers();
  ask("~0007 PING");
  CHECK(said("~0007 OK 1a2b3c4d "));
}

void command_tests(void) {
  TEST(a_start_is_announced);
  TEST(a_request_sent_twice_is_answered_twice_alike);
  TEST(hello_names_what_the_board_has);
  TEST(hello_leaves_out_what_it_lacks);
  TEST(hello_announces_neither_an_image_of_no_pixels_nor_a_rate_it_has_not);
  TEST(a_hello_with_everything_at_its_longest_fits_512_bytes);
  TEST(hello_quiets_the_boards_log);
  TEST(a_hello_in_error_changes_nothing);
  TEST(the_largest_block_is_hashed_and_one_byte_more_refused);
  TEST(a_batch_gives_each_digest_or_their_root);
  TEST(a_batch_answers_as_many_digests_as_a_line_holds);
  TEST(attest_and_key_are_under_the_devices_key);
  TEST(health_leaves_out_what_is_not_known);
  TEST(mad_sensors_stay_within_nine_digits);
  TEST(reset_restarts_once_and_ends_the_search);
  TEST(an_endless_line_is_dropped_and_the_next_one_understood);
  TEST(a_line_in_single_bytes_is_the_same_line);
  TEST(a_line_of_full_length_may_end_with_a_carriage_return);
  TEST(a_reply_that_comes_back_is_not_answered);
  TEST(a_question_mark_is_answered_in_words);
  TEST(log_is_never_answered);
  TEST(a_storm_of_damage_gets_ten_naks_in_any_second);
  TEST(random_bytes_never_break_it);
}
