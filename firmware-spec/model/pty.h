/* A pseudo-terminal whose slave side a host opens as if it were a serial port. */
#ifndef LV06_MODEL_PTY_H
#define LV06_MODEL_PTY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
  int master;
  int slave; /* kept open, so that a host may close the port and open it again */
  char path[64];
} model_pty;

/* Opens a raw pseudo-terminal with a non-blocking master; `uart`: set to 115,200 baud. Returns false with errno set. */
bool model_pty_open(model_pty *pty, bool uart);
/* Makes `link` point to the pseudo-terminal in one step, replacing what was there. Returns false with errno set. */
bool model_pty_link(const model_pty *pty, const char *link);
/* Removes `link` if it still points here: a newer model may have taken the name over. */
void model_pty_unlink(const model_pty *pty, const char *link);

#endif
