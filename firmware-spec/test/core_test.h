/* What the core's tests share: a fresh device, and ways to ask it and to read its answers. */
#ifndef LV06_CORE_TEST_H
#define LV06_CORE_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "bench_hal.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      fprintf(stderr, "the device said: %.*s\n", (int)b.length, (const char *)b.bytes); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

#define TEST(name) test_run(name, #name)

extern bench b;
extern lv06_core core;
extern lv06_hal hal; /* a test may take pointers out of it */

void test_run(void (*test)(void), const char *name);

/* A fresh device, its BOOT notice read. */
void boot(void);
void feed(const char *text);
/* Sends `body`, such as "~0001 PING", with its checksum. */
void ask(const char *body);
/* With a payload. */
void ask_with(const char *body, const void *payload, size_t length);
/* Lets `ms` pass on the device's clock, then polls once. */
uint32_t wait_ms(uint64_t ms);
/* Whether what the device has said since the last call is lines that begin like these, in this order. */
bool said(const char *first);
bool said_two(const char *first, const char *second);
bool said_nothing(void);
/* Whether `words` are anywhere in it. */
bool mentions(const char *words);
void forget_answers(void);
/* The payload of the last line that `said` saw, decoded. */
const uint8_t *payload(size_t *length);

void image_tests(void);
void ahead_tests(void);
void inflate_tests(void);
void work_tests(void);
void rate_tests(void);
void command_tests(void);
void error_tests(void);
void part_tests(void);

#endif
