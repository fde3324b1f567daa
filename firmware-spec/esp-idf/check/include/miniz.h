/* Declarations as documented for ESP-IDF 5.5, for `make glue-check`. Not ESP-IDF, and good for nothing else. */
#pragma once
#include <stddef.h>
#include <stdint.h>
enum { TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF = 4 };
typedef enum { TINFL_STATUS_FAILED = -1, TINFL_STATUS_DONE = 0, TINFL_STATUS_HAS_MORE_OUTPUT = 2 } tinfl_status;
typedef struct {
  uint32_t m_state, m_num_bits;
} tinfl_decompressor;
#define tinfl_init(r) do { (r)->m_state = 0; } while (0)
tinfl_status tinfl_decompress(tinfl_decompressor *r, const uint8_t *in_next, size_t *in_size, uint8_t *out_start,
                              uint8_t *out_next, size_t *out_size, const uint32_t flags);
