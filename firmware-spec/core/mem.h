/* memcpy and memset, and nothing else of the C library. */
#ifndef LV06_MEM_H
#define LV06_MEM_H

#ifdef LV06_FREESTANDING
#include <stddef.h>
void *memcpy(void *restrict to, const void *restrict from, size_t length);
void *memset(void *to, int value, size_t length);
#else
#include <string.h>
#endif

#endif
