/* Every error code, and the order of the checks (SPEC 4.3). */
#include "core_test.h"

#define HEX64 "1111111111111111111111111111111111111111111111111111111111111111"
#define HEX160 HEX64 HEX64 "11111111111111111111111111111111"
#define START "WORK START 0000000a " HEX160 " " HEX64 " "

typedef struct {
  const char *request; /* without number */
  const char *answer;  /* after the boot id */
  const char *payload; /* or NULL */
} dialogue;

/* Each is asked of a device that holds image 00000007 of 4 × 4 pixels, of which rows 0 and 1 have arrived. */
static void check(const dialogue *d) {
  char request[600], expected[100];
  boot();
  ask("~0001 IMAGE NEW 00000007 4 4");
  ask_with("~0002 IMAGE ROWS 00000007 0 raw", "abcdefgh", 8);
  forget_answers();
  (void)snprintf(request, sizeof request, "~0003 %s", d->request);
  (void)snprintf(expected, sizeof expected, "~0003 ERR 1a2b3c4d %s ", d->answer);
  ask_with(request, d->payload, d->payload == NULL ? 0 : strlen(d->payload));
  if (!said(expected)) {
    fprintf(stderr, "%s: not %s\n", d->request, d->answer);
    exit(1);
  }
}

#define CHECK_ALL(dialogues)                                                                 \
  do {                                                                                       \
    for (size_t i = 0; i < sizeof(dialogues) / sizeof(dialogues)[0]; i++) check(&(dialogues)[i]); \
  } while (0)

static void verbs_that_are_not_known(void) {
  static const dialogue all[] = {{"FLASH x", "VERB this device knows HELLO PING HASH BATCH", NULL},
                                 {"PINGS", "VERB", NULL},
                                 {"A234567890_ABCDZ", "VERB", NULL},
                                 {"Z", "VERB", NULL},
                                 {"HAS", "VERB", "payload"}};
  CHECK_ALL(all);
}

static void hello_ping_health_and_hash(void) {
  static const dialogue all[] = {{"HELLO", "ARGS", NULL},
                                 {"HELLO 1", "ARGS", NULL},
                                 {"HELLO 0 0a0b0c0d", "ARGS", NULL},
                                 {"HELLO 01 0a0b0c0d", "ARGS", NULL},
                                 {"HELLO 10000 0a0b0c0d", "ARGS", NULL},
                                 {"HELLO 1 0a0b0c0D", "ARGS", NULL},
                                 {"HELLO 1 0a0b0c", "ARGS", NULL},
                                 {"HELLO 1 0a0b0c0d maxLine=511", "ARGS", NULL},
                                 {"HELLO 1 0a0b0c0d maxLine=65537", "ARGS", NULL},
                                 {"HELLO 1 0a0b0c0d maxLine=", "ARGS", NULL},
                                 {"HELLO 1 0a0b0c0d maxLine=0512 maxLine=512", "ARGS", NULL},
                                 {"HELLO 1 0a0b0c0d", "ARGS", "payload"},
                                 {"PING 1", "ARGS", NULL},
                                 {"PING", "ARGS", "payload"},
                                 {"HEALTH now", "ARGS", NULL},
                                 {"HEALTH", "ARGS", "payload"},
                                 {"HASH", "ARGS", NULL},
                                 {"HASH 61 62", "ARGS", NULL},
                                 {"HASH 61", "ARGS", "payload"},
                                 {"HASH 616", "HEX", NULL},
                                 {"HASH 6G", "HEX", NULL},
                                 {"HASH AA", "HEX", NULL},
                                 {"HASH 6g", "HEX", NULL},
                                 {"HASH 6:", "HEX", NULL}};
  CHECK_ALL(all);
  boot();
  ask("~0001 HELLO 1 0a0b0c0d maxLine other=1 maxLin=1 maxLine=600 maxLine=1");
  CHECK(said("~0001 OK 1a2b3c4d proto=1 "));
}

static void batch(void) {
  static const dialogue all[] = {{"BATCH 1 root", "ARGS", NULL},
                                 {"BATCH 0 root", "ARGS", "payload"},
                                 {"BATCH x root", "ARGS", "payload"},
                                 {"BATCH 1 sum", "ARGS", "payload"},
                                 {"BATCH 1", "ARGS", "payload"},
                                 {"BATCH 1 root root", "ARGS", "payload"},
                                 {"BATCH 1025 root", "LENGTH", "payload"},
                                 {"BATCH 2 root", "PAYLOAD", "payload"},
                                 {"BATCH 2 digests", "PAYLOAD", "a payload of too many bytes for one line of 512"},
                                 {"BATCH 1 digests", "LENGTH", "more digests than fit"}};
  CHECK_ALL(all);
}

static void image(void) {
  static const dialogue all[] = {{"IMAGE", "ARGS", NULL},
                                 {"IMAGE OLD", "ARGS", NULL},
                                 {"IMAGE NEW 00000007 4", "ARGS", NULL},
                                 {"IMAGE NEW 7 4 4", "ARGS", NULL},
                                 {"IMAGE NEW 00000007 0 4", "ARGS", NULL},
                                 {"IMAGE NEW 00000007 4 0", "ARGS", NULL},
                                 {"IMAGE NEW 00000007 4 1025", "ARGS", NULL},
                                 {"IMAGE NEW 00000007 1025 4", "ARGS", NULL},
                                 {"IMAGE NEW 00000007 4 4", "ARGS", "payload"},
                                 {"IMAGE NEW 00000007 1024 1024", "LENGTH", NULL},
                                 {"IMAGE ROWS 00000007 0 raw", "ARGS", NULL},
                                 {"IMAGE ROWS 00000007 0 gzip", "ARGS", "payload"},
                                 {"IMAGE ROWS 00000007 00 raw", "ARGS", "payload!"},
                                 {"IMAGE ROWS 00000008 9 raw", "STATE", "payload"},
                                 {"IMAGE ROWS 00000007 4 raw", "PAYLOAD", "four"},
                                 {"IMAGE ROWS 00000007 9999999 raw", "PAYLOAD", "four"},
                                 {"IMAGE ROWS 00000007 10000000 raw", "ARGS", "four"},
                                 {"IMAGE ROWS 00000007 3 raw", "PAYLOAD", "payload!"},
                                 {"IMAGE ROWS 00000007 0 raw", "PAYLOAD", "payload"},
                                 {"IMAGE ROWS 00000007 0 deflate", "PAYLOAD", "payload"},
                                 {"IMAGE ROOTS 00000007", "ARGS", NULL},
                                 {"IMAGE ROOTS 00000007 1,2,4,", "ARGS", NULL},
                                 {"IMAGE ROOTS 00000007 1,2,4,1,2", "ARGS", NULL},
                                 {"IMAGE ROOTS 00000007 65", "ARGS", NULL},
                                 {"IMAGE ROOTS 00000007 0", "ARGS", NULL},
                                 {"IMAGE ROOTS 00000007 4", "ARGS", "payload"},
                                 {"IMAGE ROOTS 00000008 33", "LENGTH", NULL},
                                 {"IMAGE ROOTS 00000007 64", "LENGTH", NULL},
                                 {"IMAGE ROOTS 00000008 3", "STATE", NULL},
                                 {"IMAGE ROOTS 00000007 2,3", "ARGS", NULL},
                                 {"IMAGE ROOTS 00000007 2", "MISSING 2", NULL},
                                 {"IMAGE DIGESTS 00000007 2 0 0", "ARGS", NULL},
                                 {"IMAGE DIGESTS 00000007 2 0", "ARGS", NULL},
                                 {"IMAGE DIGESTS 00000007 0 0 1", "ARGS", NULL},
                                 {"IMAGE DIGESTS 00000007 65 0 1", "ARGS", NULL},
                                 {"IMAGE DIGESTS 00000008 2 9 9", "STATE", NULL},
                                 {"IMAGE DIGESTS 00000007 2 3 2", "ARGS", NULL},
                                 {"IMAGE DIGESTS 00000007 2 9999999 9999999", "ARGS", NULL},
                                 {"IMAGE DIGESTS 00000007 1 0 16", "MISSING 2", NULL}};
  CHECK_ALL(all);
}

static void work(void) {
  static const dialogue all[] = {{"WORK", "ARGS", NULL},
                                 {"WORK GO 0000000a", "ARGS", NULL},
                                 {"WORK STATUS", "ARGS", NULL},
                                 {"WORK STATUS a", "ARGS", NULL},
                                 {"WORK STOP 0000000a 1", "ARGS", NULL},
                                 {"WORK STATUS 0000000a", "STATE", NULL},
                                 {"WORK STOP 0000000a", "STATE", NULL},
                                 {START "00000000 0", "ARGS", NULL},
                                 {START "00000000 3600001", "ARGS", NULL},
                                 {START "0000000 1", "ARGS", NULL},
                                 {START "00000000 1", "ARGS", "payload"},
                                 {"WORK START 0000000a " HEX64 " " HEX64 " 00000000 1", "ARGS", NULL},
                                 {"WORK START 0000000a " HEX160 " " HEX64 "11 00000000 1", "ARGS", NULL},
                                 {"WORK START 0000000a " HEX160 " X" HEX64 " 00000000 1", "ARGS", NULL}};
  CHECK_ALL(all);
}

static void keys_rates_log_and_reset(void) {
  static const dialogue all[] = {{"ATTEST " HEX64, "ARGS", NULL},
                                 {"ATTEST " HEX64 " " HEX64 "1", "ARGS", NULL},
                                 {"ATTEST " HEX64 " " HEX64, "ARGS", "payload"},
                                 {"KEY " HEX64 " " HEX64, "ARGS", NULL},
                                 {"KEY x", "ARGS", NULL},
                                 {"BAUD", "ARGS", NULL},
                                 {"BAUD 115200 1", "ARGS", NULL},
                                 {"BAUD 300", "ARGS", NULL},
                                 {"LOG", "ARGS", NULL},
                                 {"LOG 6", "ARGS", NULL},
                                 {"LOG 00", "ARGS", NULL},
                                 {"RESET", "ARGS", NULL},
                                 {"RESET 1A2B3C4D", "ARGS", NULL},
                                 {"RESET 00000000", "BOOT", NULL}};
  CHECK_ALL(all);
}

/* Asks a device whose HAL `lack` has changed. */
static bool lacking(void (*lack)(void), const char *request, const char *answer) {
  boot();
  lack();
  ask(request);
  return said(answer);
}

static void no_key(void) { hal.hmac = NULL; }
static void no_raster(void) { hal.raster = NULL; }
static void no_inflate(void) { hal.inflate = NULL; }
static void no_asic(void) { hal.work_start = NULL; }
static void no_sensors(void) { hal.sensors = NULL; }
static void no_log(void) { hal.log_level = NULL; }
static void no_restart(void) { hal.restart = NULL; }
static void broken_hmac(void) { b.hmac_fails = true; }

static void what_the_board_lacks(void) {
  CHECK(lacking(no_key, "~0001 KEY " HEX64, "~0001 ERR 1a2b3c4d KEY "));
  CHECK(lacking(no_key, "~0001 ATTEST " HEX64 " " HEX64, "~0001 ERR 1a2b3c4d KEY "));
  CHECK(lacking(no_key, "~0001 ATTEST " HEX64, "~0001 ERR 1a2b3c4d ARGS "));
  CHECK(lacking(no_raster, "~0001 IMAGE NEW 00000001 1 1", "~0001 ERR 1a2b3c4d VERB "));
  CHECK(lacking(no_asic, "~0001 WORK STATUS 00000001", "~0001 ERR 1a2b3c4d VERB "));
  CHECK(lacking(no_sensors, "~0001 HEALTH", "~0001 ERR 1a2b3c4d VERB "));
  CHECK(lacking(no_log, "~0001 LOG 1", "~0001 ERR 1a2b3c4d VERB "));
  CHECK(lacking(no_restart, "~0001 RESET 1a2b3c4d", "~0001 ERR 1a2b3c4d VERB "));
  CHECK(lacking(broken_hmac, "~0001 KEY " HEX64, "~0001 ERR 1a2b3c4d DEVICE "));
  CHECK(lacking(no_inflate, "~0001 IMAGE NEW 00000007 4 4", "~0001 OK 1a2b3c4d "));
  ask_with("~0002 IMAGE ROWS 00000008 0 deflate", "payload", 7);
  CHECK(said("~0002 ERR 1a2b3c4d ARGS "));
  ask("~0003 HELLO 1 0a0b0c0d");
  CHECK(!mentions("inflate=") && mentions("maxImage="));
}

/* A root of 16 blocks takes 16 digests, 16 leaves and 15 nodes. */
static void a_sha_unit_that_fails_is_named_wherever_it_does(void) {
  for (unsigned good = 1; good < 47; good++) {
    boot();
    ask("~0001 IMAGE NEW 00000007 4 4");
    ask_with("~0002 IMAGE ROWS 00000007 0 raw", "abcdefghabcdefgh", 16);
    forget_answers();
    b.hashes_ok = good;
    ask("~0003 IMAGE ROOTS 00000007 1");
    CHECK(said("~0003 ERR 1a2b3c4d DEVICE "));
    ask("~0004 HASH 61");
    CHECK(said("~0004 ERR 1a2b3c4d DEVICE "));
    ask_with("~0005 BATCH 1 digests", "ab", 2);
    CHECK(said("~0005 ERR 1a2b3c4d DEVICE "));
    ask_with("~0006 BATCH 1 root", "ab", 2);
    CHECK(said("~0006 ERR 1a2b3c4d DEVICE "));
    ask("~0007 IMAGE DIGESTS 00000007 1 0 4");
    CHECK(said("~0007 ERR 1a2b3c4d DEVICE "));
  }
}

static void each_kind_of_damage_has_its_reason(void) {
  static const struct {
    const char *line, *reason;
  } all[] = {{"~0001 PING \xff 00000000\n", "BYTES "}, {"~0001 PING\n", "FORM "},
             {"~0001 PING 00000000\n", "CRC "},        {"~0001  00000000\n", "FORM "},
             {"~0001 00000000\n", "FORM "},            {"~0001 PING :\n", "FORM "},
             {"~\x01 :\n", "BYTES "},                  {"~ :\n", "FORM "},
             {"~0001 :a 00000000\n", "CRC "},          {"~0001 PING \t00000000\n", "BYTES "}};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    char expected[60];
    boot();
    feed(all[i].line);
    (void)snprintf(expected, sizeof expected, "~0000 NAK 1a2b3c4d %s", all[i].reason);
    CHECK(said(expected));
  }
}

static void with_a_good_checksum_the_grammar_decides(void) {
  static const char *const all[] = {"~0001  PING",     "~0001 PING ",    "~0001 ping",        "~0001 1PING",
                                    "~0001 PING  1",   "~0001 PING :",   "~0001 PING :\x0b",  "~0001 PING :\x0f 1",
                                    "~0001 PING  :\x08\x01", "~0001 :\x08\x01", "~0001 A23456789012345678"};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    boot();
    ask(all[i]);
    CHECK(said("~0000 NAK 1a2b3c4d FORM "));
  }
  boot();
  ask("~0000 PING");
  CHECK(said("~0000 NAK 1a2b3c4d SEQ "));
}

void error_tests(void) {
  TEST(verbs_that_are_not_known);
  TEST(hello_ping_health_and_hash);
  TEST(batch);
  TEST(image);
  TEST(work);
  TEST(keys_rates_log_and_reset);
  TEST(what_the_board_lacks);
  TEST(a_sha_unit_that_fails_is_named_wherever_it_does);
  TEST(each_kind_of_damage_has_its_reason);
  TEST(with_a_good_checksum_the_grammar_decides);
}
