/* The model program's command line. */
#ifndef LV06_MODEL_OPTIONS_H
#define LV06_MODEL_OPTIONS_H

#include "board.h"

typedef struct {
  model_options board;
  const char *link; /* or NULL */
  uint32_t baud;    /* 0: not paced */
  bool uart;
  double brownout_s; /* mean time between brown-outs; 0: none but by signal */
} program_options;

/* Returns what is wrong, or NULL. */
const char *program_options_read(int argc, char **argv, program_options *options);
extern const char program_usage[];

#endif
