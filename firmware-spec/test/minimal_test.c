/* The minimal profile (SPEC 10), built with LV06_MINIMAL. */
#include <stdio.h>
#include <stdlib.h>

#include "../core/frame.h"
#include "bench_hal.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

static bench b;
static lv06_core core;
static lv06_hal hal;

static void ask(const char *body, const char *answer) {
  uint8_t line[600];
  lv06_text text = {line, sizeof line, 0, false};
  b.length = 0;
  lv06_put(&text, body);
  lv06_frame_end(&text);
  lv06_feed(&core, line, text.length);
  CHECK(b.length >= strlen(answer) && memcmp(b.bytes, answer, strlen(answer)) == 0);
  CHECK(b.length > 0 || strlen(answer) == 0);
}

static void feed(const char *text) { lv06_feed(&core, (const uint8_t *)text, strlen(text)); }

int main(void) {
  char request[600] = "~0001 HASH ";
  hal = bench_hal(&b);
  lv06_start(&core, &hal);
  CHECK(b.length == 0);
  ask("~0001 HELLO 1 0a0b0c0d maxLine=65536",
      "~0001 OK 1a2b3c4d proto=1 nonce=0a0b0c0d firmware=vectors/1 device=vectors caps=hash maxLine=512 lines=1 "
      "bytes=512 maxBlock=245 simulated=1 ");
  ask("~0002 HASH 616263",
      "~0002 OK 1a2b3c4d ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad ");
  ask("~0003 PING", "~0003 ERR 1a2b3c4d VERB this device knows HELLO HASH ");
  ask("~0004 KEY", "~0004 ERR 1a2b3c4d VERB ");
  memset(request + 11, '0', 490);
  ask(request, "~0001 OK 1a2b3c4d ");
  b.length = 0;
  for (unsigned i = 0; i < 600; i++) feed("~");
  feed("\n~damage\n~0000 PING 00000000\n");
  CHECK(b.length == 0 && lv06_poll(&core) == UINT32_MAX);
  feed("?\n");
  CHECK(b.length > 0 && b.bytes[0] != '~');
  printf("minimal core: passed, core state %zu bytes\n", sizeof(lv06_core));
  return 0;
}
