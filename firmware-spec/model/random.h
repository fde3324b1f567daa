/* SplitMix64: a seed gives the same numbers on every machine. */
#ifndef LV06_MODEL_RANDOM_H
#define LV06_MODEL_RANDOM_H

#include <stdint.h>

static inline uint64_t model_random(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* 0 to `below` - 1. */
static inline uint32_t model_random_below(uint64_t *state, uint32_t below) {
  return (uint32_t)(((model_random(state) >> 32) * below) >> 32);
}

#endif
