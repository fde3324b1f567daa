#include "core_test.h"

static void try_rate(const char *rate) {
  char request[40];
  (void)snprintf(request, sizeof request, "~0001 BAUD %s", rate);
  ask(request);
}

static void the_rate_changes_after_the_reply(void) {
  boot();
  CHECK(b.rate == 115200);
  try_rate("921600");
  CHECK(said("~0001 OK 1a2b3c4d 921600 "));
  CHECK(b.rate == 921600);
}

static void a_request_at_the_new_rate_confirms_it(void) {
  boot();
  try_rate("921600");
  CHECK(wait_ms(400) == 100);
  ask("~0002 PING");
  CHECK(wait_ms(400) == 9600);
  CHECK(b.rate == 921600);
}

static void without_one_the_device_goes_back_after_half_a_second(void) {
  boot();
  try_rate("921600");
  (void)wait_ms(499);
  CHECK(b.rate == 921600);
  (void)wait_ms(1);
  CHECK(b.rate == 115200 && wait_ms(0) == UINT32_MAX);
}

static void what_came_before_the_change_confirms_nothing(void) {
  boot();
  feed("~0001 BAUD 921600 2514f9d8\n~0002 PING 1cd1e97f\n~0003 PI");
  CHECK(said("~0001 OK 1a2b3c4d 921600 ") && b.rate == 921600);
  (void)wait_ms(500);
  CHECK(b.rate == 115200);
}

/* A board whose set_rate does not wait: what it feeds meanwhile came at the old rate. */
static void the_trial_begins_when_the_line_has_changed(void) {
  boot();
  b.slow_line = true;
  try_rate("921600");
  CHECK(said("~0001 OK 1a2b3c4d 921600 ") && b.next_rate == 921600);
  ask("~0002 PING");
  feed("~0003 PI");
  CHECK(wait_ms(2000) == 1 && said_nothing());
  b.rate = b.next_rate;
  CHECK(wait_ms(0) == 500);
  (void)wait_ms(499);
  ask("~0004 PING");
  CHECK(said("~0004 OK 1a2b3c4d "));
  CHECK(wait_ms(500) == 9500 && b.next_rate == 921600);
}

static void half_a_line_of_the_rate_before_is_dropped(void) {
  boot();
  try_rate("921600");
  feed("~0002 PI");
  (void)wait_ms(500);
  CHECK(b.rate == 115200);
  forget_answers();
  ask("~0003 PING");
  CHECK(said("~0003 OK 1a2b3c4d "));
}

static void it_goes_back_to_the_rate_before_not_to_the_first(void) {
  boot();
  try_rate("460800");
  ask("~0002 PING");
  try_rate("921600");
  (void)wait_ms(500);
  CHECK(b.rate == 460800);
}

static void noise_and_echoes_confirm_nothing(void) {
  boot();
  try_rate("921600");
  forget_answers();
  feed("\n\xff\x80gibberish\n~0001 PING 00000000\n");
  ask("~0001 OK 1a2b3c4d 921600");
  ask("~0000 NAK 1a2b3c4d CRC");
  ask("~0000 PING");
  CHECK(said_nothing());
  (void)wait_ms(500);
  CHECK(b.rate == 115200);
}

static void ten_silent_seconds_bring_the_first_rate_back(void) {
  boot();
  try_rate("921600");
  ask("~0002 PING");
  (void)wait_ms(9999);
  CHECK(b.rate == 921600);
  ask("~0003 PING");
  (void)wait_ms(9999);
  CHECK(b.rate == 921600);
  (void)wait_ms(1);
  CHECK(b.rate == 115200 && wait_ms(0) == UINT32_MAX);
}

static void the_present_rate_again_changes_nothing(void) {
  boot();
  try_rate("921600");
  try_rate("921600");
  (void)wait_ms(600);
  CHECK(b.rate == 921600);
  boot();
  try_rate("115200");
  CHECK(said("~0001 OK 1a2b3c4d 115200 "));
  CHECK(wait_ms(0) == UINT32_MAX);
}

static void a_rate_that_is_not_offered_is_refused(void) {
  boot();
  try_rate("9600");
  CHECK(said("~0001 ERR 1a2b3c4d ARGS ") && b.rate == 115200);
}

static void notices_wait_until_the_trial_is_over(void) {
  boot();
  ask("~0003 WORK START 0000000a "
      "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3"
      "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000 "
      "00000000ffff0000000000000000000000000000000000000000000000000000 00000000 60000");
  try_rate("921600");
  forget_answers();
  (void)wait_ms(100);
  CHECK(said_nothing());
  ask("~0004 PING");
  CHECK(said_two("~0000 WORK 1a2b3c4d 0000000a found elapsedMs=100 ", "~0004 OK 1a2b3c4d "));
  boot();
  ask("~0003 WORK START 0000000a "
      "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3"
      "888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d00000000 "
      "00000000ffff0000000000000000000000000000000000000000000000000000 00000000 60000");
  try_rate("921600");
  (void)wait_ms(100);
  forget_answers();
  (void)wait_ms(400);
  CHECK(said("~0000 WORK 1a2b3c4d 0000000a found elapsedMs=100 ") && b.rate == 115200);
}

static bool slow_sha256(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  b.now_ms += 11000;
  return bench_sha256(context, bytes, length, digest);
}

static void the_time_it_computes_is_no_silence(void) {
  boot();
  try_rate("921600");
  hal.sha256 = slow_sha256;
  ask("~0002 HASH 61");
  (void)wait_ms(0);
  CHECK(b.rate == 921600);
}

static void a_restart_begins_at_the_first_rate(void) {
  boot();
  try_rate("921600");
  lv06_start(&core, &hal);
  CHECK(b.rate == 115200);
}

static void native_usb_has_no_rate(void) {
  boot();
  hal.set_rate = NULL;
  lv06_start(&core, &hal);
  forget_answers();
  try_rate("921600");
  CHECK(said("~0001 ERR 1a2b3c4e VERB "));
  CHECK(wait_ms(20000) == UINT32_MAX);
}

void rate_tests(void) {
  TEST(the_rate_changes_after_the_reply);
  TEST(a_request_at_the_new_rate_confirms_it);
  TEST(without_one_the_device_goes_back_after_half_a_second);
  TEST(what_came_before_the_change_confirms_nothing);
  TEST(the_trial_begins_when_the_line_has_changed);
  TEST(half_a_line_of_the_rate_before_is_dropped);
  TEST(it_goes_back_to_the_rate_before_not_to_the_first);
  TEST(noise_and_echoes_confirm_nothing);
  TEST(ten_silent_seconds_bring_the_first_rate_back);
  TEST(the_present_rate_again_changes_nothing);
  TEST(a_rate_that_is_not_offered_is_refused);
  TEST(notices_wait_until_the_trial_is_over);
  TEST(the_time_it_computes_is_no_silence);
  TEST(a_restart_begins_at_the_first_rate);
  TEST(native_usb_has_no_rate);
}
