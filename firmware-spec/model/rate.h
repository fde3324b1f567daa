/* The rate that the host has set on its end of the pseudo-terminal. Linux only; a file of its own because the kernel's
 * and the C library's termios cannot be included together. */
#ifndef LV06_MODEL_RATE_H
#define LV06_MODEL_RATE_H

#include <stdint.h>

/* In baud; 0 if it cannot be read. */
uint32_t model_rate_get(int master);

#endif
