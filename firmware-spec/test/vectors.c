/*
 * Runs test vectors through the C core: one command a line on stdin, one answer a line on stdout.
 *   crc HEX    its CRC-32
 *   sha HEX    its SHA-256
 *   line HEX   what the line is: "frame SEQ VERB ARGS…", "log", "bytes", "form" or "crc"
 *   feed HEX   the bytes that a freshly booted core answers
 *   boot -     the bytes that a core sends when it boots
 * "-" stands for no bytes.
 */
#define _POSIX_C_SOURCE 200809L /* getline */

#include <stdio.h>
#include <stdlib.h>

#include "../core/crc32.h"
#include "../core/frame.h"
#include "bench_hal.h"

static void print_hex(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
  printf("%s\n", length == 0 ? "-" : "");
}

/* Decodes over the digits. */
static bool decode(char *digits, size_t *length) {
  uint8_t *bytes = (uint8_t *)digits;
  size_t n = strcspn(digits, "\n");
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

static void print_line(const uint8_t *bytes, size_t length) {
  static const char *const names[] = {"frame", "log", "bytes", "form", "crc"};
  lv06_frame frame;
  lv06_line_kind kind = lv06_frame_parse(bytes, length, &frame);
  fputs(names[kind], stdout);
  if (kind == LV06_FRAME) {
    printf(" %04x %.*s", frame.seq, (int)frame.verb.length, (const char *)frame.verb.bytes);
    if (frame.args.length > 0) printf(" %.*s", (int)frame.args.length, (const char *)frame.args.bytes);
  }
  printf("\n");
}

static void run_core(const uint8_t *bytes, size_t length, bool boot) {
  static bench b;
  static lv06_core core;
  memset(&b, 0, sizeof b);
  const lv06_hal hal = bench_hal(&b);
  lv06_start(&core, &hal);
  if (!boot) b.length = 0;
  lv06_feed(&core, bytes, length);
  print_hex(b.bytes, b.length);
}

static bool run(char *command) {
  uint8_t digest[LV06_DIGEST_SIZE];
  size_t length;
  char *argument = strchr(command, ' ');
  if (argument == NULL || !decode(++argument, &length)) return false;
  const uint8_t *bytes = (const uint8_t *)argument;
  if (strncmp(command, "crc ", 4) == 0) {
    printf("%08x\n", lv06_crc32(bytes, length));
  } else if (strncmp(command, "sha ", 4) == 0) {
    lv06_sha256(bytes, length, digest);
    print_hex(digest, sizeof digest);
  } else if (strncmp(command, "line ", 5) == 0) {
    print_line(bytes, length);
  } else if (strncmp(command, "feed ", 5) == 0) {
    run_core(bytes, length, false);
  } else if (strncmp(command, "boot ", 5) == 0) {
    run_core(bytes, length, true);
  } else {
    return false;
  }
  return true;
}

int main(void) {
  char *line = NULL;
  size_t size = 0;
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
