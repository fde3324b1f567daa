/* One line ↔ one frame. */
#ifndef LV06_FRAME_H
#define LV06_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define LV06_FRAME_TAIL 10u /* bytes that lv06_frame_end adds */

typedef struct {
  uint8_t *bytes; /* in the line, which the reader may overwrite */
  size_t length;
} lv06_span;

typedef enum {
  LV06_FRAME,
  LV06_LOG,       /* does not begin with '~': somebody's log, or a person */
  LV06_BAD_BYTES, /* the reasons of SPEC 3.5, in its order */
  LV06_BAD_FORM,
  LV06_BAD_CRC
} lv06_line_kind;

typedef struct {
  uint16_t seq;
  lv06_span verb;
  lv06_span args;    /* all words, single spaces between */
  lv06_span payload; /* decoded; no bytes: there is none */
} lv06_frame;

/* Reads a line without its line feed; one carriage return at its end is ignored. Decodes the payload in place. */
lv06_line_kind lv06_frame_parse(uint8_t *line, size_t length, lv06_frame *frame);

/* Takes the first argument off `args`. Returns false when none is left. */
bool lv06_next_arg(lv06_span *args, lv06_span *arg);

bool lv06_span_is(lv06_span span, const char *string);

/* Starts a frame with `~seq`, and ends it with its CRC and a line feed. */
void lv06_frame_begin(lv06_text *text, uint16_t seq);
void lv06_frame_end(lv06_text *text);

#endif
