/* A test's expectations: the first that fails ends the program and says where. */
#ifndef LV06_MODEL_CHECK_H
#define LV06_MODEL_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                        \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #condition); \
      exit(1);                                                                  \
    }                                                                           \
  } while (0)

void frame_tests(void);
void chip_tests(void);
void asic_tests(void);
void line_tests(void);
void pump_tests(void);
void glue_tests(void);

#endif
