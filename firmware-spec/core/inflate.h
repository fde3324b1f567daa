#ifndef LV06_INFLATE_H
#define LV06_INFLATE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Raw deflate (RFC 1951) → bytes made. 0 if the stream is damaged (over-subscribed or incomplete codes, symbols that
 * do not exist, distances before the start), unfinished, followed by anything, empty, or makes more than `capacity`.
 * About 1 KiB of stack; slow and small.
 */
size_t lv06_inflate(const uint8_t *in, size_t length, uint8_t *out, size_t capacity);

#endif
