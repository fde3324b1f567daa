#include "inflate.h"

#include <stdbool.h>

#include "mem.h"

enum { BITS_MAX = 15, LITERALS = 288, LENGTH_CODES = 286, DISTANCES = 30, ORDERS = 19, END = 256 };

typedef struct {
  const uint8_t *in;
  size_t length, at;
  uint32_t bits; /* taken from `in`, not used yet; the next is the lowest */
  unsigned count;
  uint8_t *out;
  size_t capacity, made;
  bool bad;
} stream;

/* A canonical Huffman code: how many symbols each length has, how many of them are below 256, and the symbols modulo 256
 * in the order of their codes. Within a length they ascend, so bytes will do, and half the stack. */
typedef struct {
  uint8_t *symbol;
  uint16_t count[BITS_MAX + 1], low[BITS_MAX + 1];
} code;

static unsigned take(stream *s, unsigned bits) {
  while (s->count < bits) {
    if (s->at == s->length) {
      s->bad = true;
      return 0;
    }
    s->bits |= (uint32_t)s->in[s->at++] << s->count;
    s->count += 8u;
  }
  unsigned value = s->bits & ((1u << bits) - 1u);
  s->bits >>= bits;
  s->count -= bits;
  return value;
}

static void put(stream *s, uint8_t byte) {
  if (s->made == s->capacity) {
    s->bad = true;
  } else {
    s->out[s->made++] = byte;
  }
}

/* Makes the code of `n` lengths. Returns the share of codes left over, in 2^-15: 0 if it is complete, below 0 if it is
 * over-subscribed. */
static int32_t build(code *c, const uint8_t *lengths, size_t n) {
  uint16_t next[BITS_MAX + 1];
  int32_t left = 1;
  memset(c->count, 0, sizeof c->count);
  memset(c->low, 0, sizeof c->low);
  for (size_t i = 0; i < n; i++) {
    c->count[lengths[i]]++;
    if (i < END) c->low[lengths[i]]++;
  }
  c->count[0] = 0;
  next[0] = next[1] = 0;
  for (unsigned bits = 1; bits <= BITS_MAX; bits++) {
    left = left * 2 - (int32_t)c->count[bits];
    if (left < 0) return left;
    if (bits < BITS_MAX) next[bits + 1] = (uint16_t)(next[bits] + c->count[bits]);
  }
  for (size_t i = 0; i < n; i++) {
    if (lengths[i] != 0) c->symbol[next[lengths[i]]++] = (uint8_t)(i % END);
  }
  return left;
}

/* RFC 1951 §3.2.7 lets a code be incomplete where it has one symbol, of one bit. `none`: or no symbol at all. */
static bool usable(const code *c, int32_t left, bool none) {
  unsigned symbols = 0;
  for (unsigned bits = 1; bits <= BITS_MAX; bits++) symbols += c->count[bits];
  return left == 0 || (left > 0 && ((symbols == 1u && c->count[1] == 1u) || (none && symbols == 0)));
}

static unsigned decode(stream *s, const code *c) {
  unsigned value = 0, first = 0, index = 0;
  for (unsigned bits = 1; bits <= BITS_MAX && !s->bad; bits++) {
    value |= take(s, 1);
    unsigned at = value - first;
    if (at < c->count[bits]) return c->symbol[index + at] + (at < c->low[bits] ? 0 : (unsigned)END);
    index += c->count[bits];
    first = (first + c->count[bits]) << 1;
    value <<= 1;
  }
  s->bad = true;
  return END;
}

static void copy(stream *s, unsigned length, size_t distance) {
  if (distance > s->made || length > s->capacity - s->made) {
    s->bad = true;
    return;
  }
  for (; length > 0; length--, s->made++) s->out[s->made] = s->out[s->made - distance];
}

/* RFC 1951 §3.2.5. The base of every length and distance is that of the one before, plus what its extra bits span. */
static void match(stream *s, unsigned symbol, const code *distances) {
  static const uint16_t length_base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                           31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
  static const uint16_t distance_base[DISTANCES] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,
                                                    33,  49,  65,  97,  129, 193,  257,  385,  513,  769,
                                                    1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
  unsigned i = symbol - END - 1u;
  unsigned length = length_base[i] + take(s, i < 8u || i == 28u ? 0 : (i - 4u) / 4u);
  unsigned d = decode(s, distances);
  if (s->bad) return;
  size_t distance = (size_t)distance_base[d] + take(s, d < 4u ? 0 : d / 2u - 1u);
  if (!s->bad) copy(s, length, distance);
}

static void compressed(stream *s, const code *literals, const code *distances) {
  while (!s->bad) {
    unsigned symbol = decode(s, literals);
    if (s->bad || symbol == END) return;
    if (symbol < END) {
      put(s, (uint8_t)symbol);
    } else if (symbol < LENGTH_CODES) {
      match(s, symbol, distances);
    } else {
      s->bad = true;
    }
  }
}

static void stored(stream *s) {
  s->bits = 0;
  s->count = 0;
  unsigned length = take(s, 16), check = take(s, 16);
  if (s->bad || (length ^ check) != 0xffffu || length > s->length - s->at || length > s->capacity - s->made) {
    s->bad = true;
    return;
  }
  memcpy(s->out + s->made, s->in + s->at, length);
  s->at += length;
  s->made += length;
}

static void fixed_lengths(uint8_t lengths[LITERALS + DISTANCES]) {
  memset(lengths, 8, LITERALS);
  memset(lengths + 144, 9, 256 - 144);
  memset(lengths + 256, 7, 280 - 256);
  memset(lengths + LITERALS, 5, DISTANCES);
}

/* Reads `total` lengths by the code of RFC 1951 §3.2.7, which uses `symbols` for its own. */
static void read_lengths(stream *s, const code *c, uint8_t *lengths, unsigned total) {
  unsigned n = 0;
  while (n < total && !s->bad) {
    unsigned symbol = decode(s, c);
    if (s->bad) return;
    if (symbol < 16u) {
      lengths[n++] = (uint8_t)symbol;
      continue;
    }
    uint8_t value = symbol == 16u && n > 0 ? lengths[n - 1u] : 0;
    unsigned times = symbol == 16u ? 3u + take(s, 2) : symbol == 17u ? 3u + take(s, 3) : 11u + take(s, 7);
    if ((symbol == 16u && n == 0) || times > total - n) {
      s->bad = true;
      return;
    }
    memset(lengths + n, value, times);
    n += times;
  }
}

static void dynamic_lengths(stream *s, code *c, uint8_t *lengths, unsigned *literals, unsigned *distances) {
  static const uint8_t order[ORDERS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
  *literals = take(s, 5) + 257u;
  *distances = take(s, 5) + 1u;
  unsigned orders = take(s, 4) + 4u;
  memset(lengths, 0, ORDERS);
  for (unsigned i = 0; i < orders; i++) lengths[order[i]] = (uint8_t)take(s, 3);
  if (s->bad || *literals > LENGTH_CODES || *distances > DISTANCES || build(c, lengths, ORDERS) != 0) {
    s->bad = true;
    return;
  }
  read_lengths(s, c, lengths, *literals + *distances);
  if (!s->bad && lengths[END] == 0) s->bad = true;
}

static void huffman(stream *s, bool dynamic) {
  uint8_t lengths[LITERALS + DISTANCES];
  uint8_t literal_symbols[LITERALS], distance_symbols[DISTANCES];
  code literal = {literal_symbols, {0}, {0}}, distance = {distance_symbols, {0}, {0}};
  unsigned literals = LITERALS, distances = DISTANCES;
  if (dynamic) {
    dynamic_lengths(s, &literal, lengths, &literals, &distances);
  } else {
    fixed_lengths(lengths);
  }
  if (s->bad) return;
  int32_t left = build(&literal, lengths, literals);
  bool good = usable(&literal, left, false);
  left = build(&distance, lengths + literals, distances);
  /* The fixed distance code has two symbols more, which do not exist: its codes without them are incomplete. */
  if (!good || (dynamic && !usable(&distance, left, true))) {
    s->bad = true;
    return;
  }
  compressed(s, &literal, &distance);
}

size_t lv06_inflate(const uint8_t *in, size_t length, uint8_t *out, size_t capacity) {
  stream s;
  bool last = false;
  memset(&s, 0, sizeof s);
  s.in = in;
  s.length = length;
  s.out = out;
  s.capacity = capacity;
  while (!last && !s.bad) {
    last = take(&s, 1) == 1u;
    unsigned type = take(&s, 2);
    if (s.bad) return 0;
    if (type == 0) {
      stored(&s);
    } else if (type < 3u) {
      huffman(&s, type == 2u);
    } else {
      return 0;
    }
  }
  return s.bad || s.at != s.length ? 0 : s.made;
}
