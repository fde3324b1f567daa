/* What a UART makes of bytes sent at another rate than its own. */
#ifndef LV06_MODEL_GARBLE_H
#define LV06_MODEL_GARBLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes that a receiver at `to` baud reads when `byte` is sent at `from` baud on an idle line: the receiver finds
 * the falling edge, samples the middle of each bit, and reads a byte without a stop bit as zero, as a Linux terminal
 * does. Rates within a few per cent of each other read right. Returns at most `capacity`.
 */
size_t model_garble(uint8_t byte, uint32_t from, uint32_t to, uint8_t *out, size_t capacity);

#endif
