/*
 * Runs test vectors through the C core: one command a line on stdin, one answer a line on stdout.
 *   crc HEX         its CRC-32
 *   sha HEX         its SHA-256
 *   stuff HEX       the payload that these data are sent as
 *   unstuff HEX     the data of this payload, or "form"
 *   root HEX        the root of these digests, end to end
 *   line HEX        what the line is: "frame SEQ VERB words… :payload", "log", "bytes", "form" or "crc"
 *   boot [OPTION]…  a freshly booted device, and what it sends; options below
 *   feed HEX        what it answers to these bytes
 *   drip HEX        the same, when they come one by one
 *   advance MS      what it sends while time passes
 *   restart         what it sends after power has gone and come
 *   state           its line's rate, its log's level, the restarts so far
 *   raster BYTES    its image's pixels
 * "-" stands for no bytes.
 */
#define _POSIX_C_SOURCE 200809L /* getline, strtok_r */

#include <inttypes.h>
#include <stdio.h>

#include "../core/cobs.h"
#include "../core/crc32.h"
#include "../core/frame.h"
#include "../core/merkle.h"
#include "bench_hal.h"

static bench dev;
static lv06_hal hal;
static lv06_core core;

static void print_hex(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
  printf("%s\n", length == 0 ? "-" : "");
}

/* Decodes over the digits. */
static bool decode(char *digits, size_t *length) {
  uint8_t *bytes = (uint8_t *)digits;
  size_t n = strlen(digits);
  uint32_t value;
  *length = 0;
  if (n == 1 && digits[0] == '-') return true;
  if (n % 2 != 0) return false;
  for (size_t i = 0; i < n; i += 2) {
    if (!lv06_take_hex(bytes + i, 2, &value)) return false;
    bytes[(*length)++] = (uint8_t)value;
  }
  return true;
}

static void print_line(uint8_t *bytes, size_t length) {
  static const char *const names[] = {"frame", "log", "bytes", "form", "crc"};
  lv06_frame frame;
  lv06_line_kind kind = lv06_frame_parse(bytes, length, &frame);
  fputs(names[kind], stdout);
  if (kind == LV06_FRAME) {
    printf(" %04x %.*s", frame.seq, (int)frame.verb.length, (const char *)frame.verb.bytes);
    if (frame.args.length > 0) printf(" %.*s", (int)frame.args.length, (const char *)frame.args.bytes);
    if (frame.payload.length > 0) printf(" :");
    for (size_t i = 0; i < frame.payload.length; i++) printf("%02x", frame.payload.bytes[i]);
  }
  printf("\n");
}

static void stuff(const uint8_t *bytes, size_t length) {
  static uint8_t out[1 << 16];
  lv06_text text = {out, sizeof out, 0, false};
  lv06_cobs cobs = lv06_cobs_begin(&text);
  /* In two pieces: their border must not show. */
  lv06_cobs_add(&cobs, bytes, length / 2);
  lv06_cobs_add(&cobs, bytes + length / 2, length - length / 2);
  lv06_cobs_end(&cobs);
  print_hex(out, text.length);
}

static void unstuff(uint8_t *bytes, size_t length) {
  size_t decoded;
  if (lv06_cobs_decode(bytes, length, &decoded)) {
    print_hex(bytes, decoded);
  } else {
    printf("form\n");
  }
}

static bool root(const uint8_t *digests, size_t length) {
  lv06_tree tree = {0};
  uint8_t out[LV06_DIGEST_SIZE];
  for (size_t i = 0; i + LV06_DIGEST_SIZE <= length; i += LV06_DIGEST_SIZE) {
    if (!lv06_tree_add(&tree, bench_sha256, &dev, digests + i)) return false;
  }
  if (!lv06_tree_root(&tree, bench_sha256, &dev, out)) return false;
  print_hex(out, sizeof out);
  return true;
}

static void say(void) {
  print_hex(dev.bytes, dev.length);
  dev.length = 0;
}

/* What was written has left: what waited for that happens. */
static void let_go(void) { dev.rate = dev.next_rate; }

/* The host has sent these bytes before it has seen an answer to any of them. */
static void feed(const uint8_t *bytes, size_t length, size_t step) {
  for (size_t i = 0; i < length; i += step) {
    lv06_feed(&core, bytes + i, length - i < step ? length - i : step);
    lv06_poll(&core);
  }
  let_go();
}

static bool lack(const char *what) {
  if (strcmp(what, "key") == 0) hal.hmac = NULL;
  else if (strcmp(what, "image") == 0) hal.raster = NULL;
  else if (strcmp(what, "inflate") == 0) hal.inflate = NULL;
  else if (strcmp(what, "health") == 0) hal.sensors = NULL;
  else if (strcmp(what, "log") == 0) hal.log_level = NULL;
  else if (strcmp(what, "reset") == 0) hal.restart = NULL;
  else if (strcmp(what, "simulated") == 0) hal.simulated = false;
  else if (strcmp(what, "baud") == 0) hal.set_rate = NULL, hal.rates = NULL, hal.rate_count = 0;
  else if (strcmp(what, "work") == 0)
    hal.work_start = NULL, hal.work_stop = NULL, hal.work_poll = NULL, hal.work_hashes = NULL;
  else return false;
  return true;
}

static bool measure(const char *name, int64_t milli) {
  static const char *const names[LV06_SENSORS] = {
      [LV06_TEMP_C] = "tempC",           [LV06_VR_TEMP_C] = "vrTempC",         [LV06_POWER_W] = "powerW",
      [LV06_CORE_MV] = "coreMv",         [LV06_INPUT_MV] = "inputMv",          [LV06_CURRENT_MA] = "currentMa",
      [LV06_FREQUENCY_MHZ] = "frequencyMhz", [LV06_HASHRATE_GHS] = "hashrateGhs", [LV06_ERRORS] = "errors",
      [LV06_FAN_RPM] = "fanRpm",         [LV06_FREE_HEAP_B] = "freeHeapB"};
  for (unsigned i = 0; i < LV06_SENSORS; i++) {
    if (strcmp(names[i], name) != 0) continue;
    dev.readings.known[i] = true;
    dev.readings.milli[i] = milli;
    return true;
  }
  return false;
}

/* asic=AT:WORD:HASHES:NONCE:VERSION, the last two in hexadecimal. */
static bool script(const char *text) {
  bench_event says = {0};
  char word[16];
  if (sscanf(text, "%" SCNu64 ":%15[a-z]:%" SCNu64 ":%" SCNx32 ":%" SCNx32, &says.at_ms, word, &says.hashes,
             &says.nonce.nonce, &says.nonce.version) < 3) {
    return false;
  }
  if (dev.event_count == BENCH_EVENTS) return false;
  says.news = strcmp(word, "nonce") == 0       ? LV06_WORK_NONCE
              : strcmp(word, "exhausted") == 0 ? LV06_WORK_EXHAUSTED
                                               : LV06_WORK_FAILED;
  dev.events[dev.event_count++] = says;
  return true;
}

/* without=PART fault=sha|hmac|busy starts=N milli=SENSOR:N asic=… */
static bool option(char *text) {
  char *value = strchr(text, '=');
  if (value == NULL) return false;
  *value++ = '\0';
  if (strcmp(text, "without") == 0) return lack(value);
  if (strcmp(text, "asic") == 0) return script(value);
  if (strcmp(text, "starts") == 0) return dev.starts_ok = (unsigned)atoi(value), true;
  if (strcmp(text, "milli") == 0) {
    char *number = strchr(value, ':');
    if (number == NULL) return false;
    *number++ = '\0';
    return measure(value, strtoll(number, NULL, 10));
  }
  if (strcmp(text, "fault") != 0) return false;
  if (strcmp(value, "sha") == 0) dev.sha_fails = true;
  else if (strcmp(value, "hmac") == 0) dev.hmac_fails = true;
  else if (strcmp(value, "busy") == 0) dev.asic_busy = true;
  else return false;
  return true;
}

static bool boot(char *rest) {
  char *save = NULL;
  memset(&dev, 0, sizeof dev);
  hal = bench_hal(&dev);
  dev.event_count = 0;
  dev.slow_line = true;
  dev.rate = dev.next_rate = 115200;
  for (char *word = strtok_r(rest, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
    if (!option(word)) return false;
  }
  lv06_start(&core, &hal);
  say();
  return true;
}

static void restart(void) {
  dev.rate = dev.next_rate = 115200;
  dev.log_level = 3;
  memset(&core, 0xa5, sizeof core);
  lv06_start(&core, &hal);
  lv06_poll(&core);
  say();
}

static void advance(unsigned long ms) {
  for (; ms > 0; ms--) {
    dev.now_ms++;
    lv06_poll(&core);
    let_go();
  }
  say();
}

/* Commands about bytes. */
static bool run_bytes(const char *name, uint8_t *bytes, size_t length) {
  uint8_t digest[LV06_DIGEST_SIZE];
  if (strcmp(name, "crc") == 0) return printf("%08" PRIx32 "\n", lv06_crc32(bytes, length)) > 0;
  if (strcmp(name, "root") == 0) return root(bytes, length);
  if (strcmp(name, "sha") == 0) lv06_sha256(bytes, length, digest), print_hex(digest, sizeof digest);
  else if (strcmp(name, "stuff") == 0) stuff(bytes, length);
  else if (strcmp(name, "unstuff") == 0) unstuff(bytes, length);
  else if (strcmp(name, "line") == 0) print_line(bytes, length);
  else if (strcmp(name, "feed") == 0) feed(bytes, length, length == 0 ? 1 : length), say();
  else if (strcmp(name, "drip") == 0) feed(bytes, length, 1), say();
  else return false;
  return true;
}

static bool run(char *command) {
  static char nothing[] = "";
  size_t length;
  command[strcspn(command, "\n")] = '\0';
  char *rest = strchr(command, ' ');
  if (rest == NULL) rest = nothing;
  else *rest++ = '\0';
  if (strcmp(command, "boot") == 0) return boot(rest);
  if (strcmp(command, "restart") == 0) return restart(), true;
  if (strcmp(command, "advance") == 0) return advance(strtoul(rest, NULL, 10)), true;
  if (strcmp(command, "state") == 0) {
    return printf("%" PRIu32 " %u %u\n", dev.rate, dev.log_level, dev.restarts) > 0;
  }
  if (strcmp(command, "raster") == 0) {
    unsigned long size = strtoul(rest, NULL, 10);
    return size <= sizeof dev.raster && (print_hex(dev.raster, size), true);
  }
  return decode(rest, &length) && run_bytes(command, (uint8_t *)rest, length);
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
  hal = bench_hal(&dev);
  while (getline(&line, &size, stdin) >= 0) {
    if (!run(line)) {
      fprintf(stderr, "lv06-vectors: cannot read the command\n");
      free(line);
      return 1;
    }
  }
  free(line);
  return 0;
}
