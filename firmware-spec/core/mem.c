#include "mem.h"

#ifdef LV06_FREESTANDING

/* The empty assembly keeps the compiler from seeing a memcpy in the loop, and calling itself. */
#define LV06_NO_IDIOM() __asm__ volatile("")

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
  unsigned char *out = to;
  const unsigned char *in = from;
  while (length-- > 0) {
    *out++ = *in++;
    LV06_NO_IDIOM();
  }
  return to;
}

void *memset(void *to, int value, size_t length) {
  unsigned char *out = to;
  while (length-- > 0) {
    *out++ = (unsigned char)value;
    LV06_NO_IDIOM();
  }
  return to;
}

#endif
