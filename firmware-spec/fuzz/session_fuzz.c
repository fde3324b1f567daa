/*
 * The whole core behind its checksum: each line of the input is an act, by its first character.
 *
 *   ~0001 VERB words :payload   a request; its CRC is added. The payload is sent as it stands
 *   =0001 VERB words :data      the same, the data coded as SPEC 3.4 says; in it \n and \\ stand for those bytes, \xHH for any
 *   >text                       a line as it stands         <text   the same without a line feed
 *   @N                          N milliseconds pass         *       a look at the clock
 *   !sihb                       the SHA unit, inflate, the HMAC unit, the ASIC's readiness fail the next time
 *   $nHHHHHHHHHHHHHHHH  $x  $f   the ASIC: a nonce and version, exhausted, failed
 *   $s  $v  $m                  a nonce that is right, right with another version, one that misses the target
 *   #iskwblrx                   in the first line: parts that the board has not
 *
 * All is done twice, the second time in chunks of other sizes; both must write the same.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE_ROOM = 3 * LV06_LINE_MAX, ACTS_MAX = 80 };

typedef struct {
  board *b;
  judge *j; /* NULL in the second run */
  size_t chunk;
} player;

static void send(player *p, const uint8_t *bytes, size_t length) {
  if (p->j != NULL) {
    judge_send(p->j, bytes, length);
    return;
  }
  board_turn(p->b);
  for (size_t at = 0; at < length; at += p->chunk) {
    board_feed(p->b, bytes + at, length - at < p->chunk ? length - at : p->chunk);
  }
  if (p->b->restart) board_start(p->b);
}

static unsigned digit(uint8_t c) { return c >= '0' && c <= '9' ? c - '0' + 0u : c >= 'a' && c <= 'f' ? c - 'a' + 10u : 0; }

static size_t unescape(const uint8_t *text, size_t length, uint8_t *out) {
  size_t made = 0;
  for (size_t i = 0; i < length; i++) {
    uint8_t next = i + 1 < length ? text[i + 1] : 0;
    if (text[i] != '\\' || (next != 'n' && next != '\\' && !(next == 'x' && i + 3 < length))) {
      out[made++] = text[i];
    } else if (next == 'x') {
      out[made++] = (uint8_t)(digit(text[i + 2]) << 4 | digit(text[i + 3]));
      i += 3;
    } else {
      out[made++] = next == 'n' ? '\n' : '\\';
      i++;
    }
  }
  return made;
}

static void put_crc(uint8_t *line, size_t *length) {
  static const char digits[] = "0123456789abcdef";
  line[(*length)++] = ' ';
  uLong crc = crc32(0, line, (uInt)*length);
  for (unsigned i = 8; i-- > 0;) line[(*length)++] = (uint8_t)digits[crc >> 4 * i & 15];
  line[(*length)++] = '\n';
}

static void request(player *p, const uint8_t *act, size_t length) {
  static uint8_t line[2 * LINE_ROOM], data[LINE_ROOM];
  size_t words = length, made;
  for (size_t i = 0; act[0] == '=' && i + 1 < length && words == length; i++) {
    if (act[i] == ' ' && act[i + 1] == ':') words = i + 2;
  }
  memcpy(line, act, words);
  line[0] = '~';
  made = words;
  if (words < length) made += oracle_encode(data, unescape(act + words, length - words, data), line + words);
  put_crc(line, &made);
  send(p, line, made);
}

static void raw(player *p, const uint8_t *act, size_t length) {
  static uint8_t line[LINE_ROOM + 1];
  memcpy(line, act + 1, length - 1);
  if (act[0] == '>') line[length++ - 1] = '\n';
  send(p, line, length - 1);
}

static void pass(player *p, const uint8_t *act, size_t length) {
  uint64_t ms = 0;
  for (size_t i = 1; i < length && i < 14 && act[i] >= '0' && act[i] <= '9'; i++) ms = ms * 10 + (act[i] - '0' + 0u);
  p->b->clock_ms += ms;
  p->b->hashes += ms * 1000;
  board_poll(p->b);
}

static void fail(player *p, const uint8_t *act, size_t length) {
  for (size_t i = 1; i < length && i < 9; i++) {
    if (act[i] == 's') p->b->sha_fails++;
    if (act[i] == 'i') p->b->inflate_fails++;
    if (act[i] == 'h') p->b->hmac_fails++;
    if (act[i] == 'b') p->b->busy++;
  }
}

static uint32_t word(const uint8_t *text) {
  uint32_t value = 0;
  for (size_t i = 0; i < 8; i++) value = value << 4 | digit(text[i]);
  return value;
}

static void news(player *p, const uint8_t *act, size_t length) {
  lv06_nonce nonce = {0, 0};
  uint8_t what = length > 1 ? act[1] : 0;
  if (what == 'n' && length >= 18) board_add_news(p->b, LV06_WORK_NONCE, (lv06_nonce){word(act + 2), word(act + 10)});
  bool search = p->b->searching && (what == 's' || what == 'v' || what == 'm');
  if (search && board_search(p->b, what != 'm', what == 'v', &nonce)) board_add_news(p->b, LV06_WORK_NONCE, nonce);
  if (what == 'x') board_add_news(p->b, LV06_WORK_EXHAUSTED, nonce);
  if (what == 'f') board_add_news(p->b, LV06_WORK_FAILED, nonce);
}

static void perform(player *p, const uint8_t *act, size_t length) {
  if (length == 0) return;
  if (length > LINE_ROOM - 16) length = LINE_ROOM - 16;
  switch (act[0]) {
  case '~':
  case '=': request(p, act, length); return;
  case '>':
  case '<': raw(p, act, length); return;
  case '@': pass(p, act, length); return;
  case '*': board_poll(p->b); return;
  case '!': fail(p, act, length); return;
  case '$': news(p, act, length); return;
  default: return;
  }
}

static void play(player *p, const uint8_t *data, size_t size) {
  size_t acts = 0;
  while (size > 0 && acts++ < ACTS_MAX) {
    const uint8_t *end = memchr(data, '\n', size);
    size_t length = end != NULL ? (size_t)(end - data) : size;
    perform(p, data, length);
    if (end == NULL) return;
    data += length + 1;
    size -= length + 1;
  }
}

static board *make(const uint8_t *data, size_t size) {
  const uint8_t *end = size > 0 && data[0] == '#' ? memchr(data, '\n', size) : NULL;
  return board_new((const char *)data, end != NULL ? (size_t)(end - data) : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static judge j;
  player one = {make(data, size), &j, 0}, two = {make(data, size), NULL, 1 + size % 37};
  judge_open(&j, one.b);
  play(&one, data, size);
  play(&two, data, size);
  DEMAND(board_same(one.b, two.b), "how the bytes are cut into chunks makes no difference");
  judge_close(&j);
  board_free(one.b);
  board_free(two.b);
  return 0;
}
