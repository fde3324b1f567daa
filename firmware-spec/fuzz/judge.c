#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "../core/sha256.h"

void judge_open(judge *j, board *b) {
  memset(j, 0, sizeof *j);
  j->b = b;
  j->agreed = 512;
  b->judged = true;
}

void judge_close(judge *j) { free(j->pending); }

/* ---- HASH, BATCH ---- */

static void judge_hash(void) {
  static uint8_t block[LV06_LINE_MAX];
  uint8_t digest[LV06_DIGEST_SIZE];
  part word = judge_request.words[0];
  DEMAND(judge_request.count == 1 && part_bytes(word, block, word.length / 2), "only a block in hex is hashed (SPEC 5.3)");
  DEMAND(word.length / 2 <= LV06_BLOCK_MAX, "only a block of at most maxBlock bytes is hashed (SPEC 5.3)");
  lv06_sha256(block, word.length / 2, digest);
  DEMAND(judge_answer.count == 2, "HASH answers with one word (SPEC 5.3)");
  judge_digest(judge_answer.words[1], digest);
}

#if !LV06_MINIMAL

static void judge_batch(void) {
  uint64_t size;
  uint8_t root[LV06_DIGEST_SIZE];
  DEMAND(judge_request.count == 2 && part_number(judge_request.words[0], 9, &size) && size >= 1 && size <= LV06_BLOCK_MAX &&
             judge_request.payload && judge_request.payload_length % size == 0,
         "a batch is whole blocks of 1 to maxBlock bytes (SPEC 5.4)");
  size_t count = judge_request.payload_length / size;
  for (size_t i = 0; i < count; i++) lv06_sha256(judge_request.data + i * size, size, judge_leaves[i]);
  if (part_is(judge_request.words[1], "digests")) {
    judge_digests(0, count);
    return;
  }
  judge_merkle(0, count, root);
  DEMAND(judge_answer.count == 2 && !judge_answer.payload, "a root is one word (SPEC 5.4)");
  judge_digest(judge_answer.words[1], root);
}

/* LENGTH of a batch of blocks that are short enough is about the reply. */
static void judge_batch_length(const judge *j) {
  uint64_t size;
  size_t n;
  if (!part_number(judge_request.words[0], 9, &size) || size == 0 || size > LV06_BLOCK_MAX) return;
  n = judge_request.payload_length / size * LV06_DIGEST_SIZE;
  DEMAND(part_is(judge_request.words[1], "digests") && 29 + n + (n + 253) / 254 > j->agreed,
         "LENGTH is said of replies that are too long, and of no others (SPEC 3.1)");
}

/* ---- WORK ---- */

static void judge_work(judge *j) {
  part what = judge_request.words[0], id = judge_request.words[1];
  bool start = part_is(what, "START"), stop = part_is(what, "STOP");
  DEMAND(judge_request.count == (start ? 6 : 2) && part_is_hex(id, 8) && !judge_request.payload, "WORK has its words (SPEC 5.6)");
  DEMAND(start || memcmp(id.bytes, j->b->search_id, 8) == 0, "another search is STATE (SPEC 5.6)");
  if (start) memcpy(j->b->search_id, id.bytes, 8);
  board_told(j->b, &judge_answer, 1);
  DEMAND(!stop || !part_is(judge_answer.words[2], "running"), "STOP ends a search (SPEC 5.6)");
}

static void judge_no_work(const judge *j) {
  bool same = judge_request.count > 1 && judge_request.words[1].length == 8 && memcmp(judge_request.words[1].bytes, j->b->search_id, 8) == 0;
  DEMAND(!same || !part_is(judge_answer.words[1], "STATE"), "the present search is known (SPEC 5.6)");
  DEMAND(!same || !part_is(judge_answer.words[1], "BUSY"), "START of the present id is never BUSY (SPEC 5.6)");
}

/* ---- HEALTH ---- */

/* ["-"] 1*9DIGIT [ "." 1*3DIGIT ], without needless zeros at either end. */
static bool is_value(part p) {
  size_t dot = 0;
  uint64_t number;
  if (p.length > 0 && p.bytes[0] == '-') p = (part){p.bytes + 1, p.length - 1};
  while (dot < p.length && p.bytes[dot] != '.') dot++;
  if (!part_number((part){p.bytes, dot}, 9, &number)) return false;
  if (dot == p.length) return true;
  part fraction = {p.bytes + dot + 1, p.length - dot - 1};
  if (fraction.length == 0 || fraction.length > 3 || fraction.bytes[fraction.length - 1] == '0') return false;
  for (size_t i = 0; i < fraction.length; i++) {
    if (fraction.bytes[i] < '0' || fraction.bytes[i] > '9') return false;
  }
  return true;
}

static void judge_health(void) {
  DEMAND(judge_request.count == 0, "HEALTH takes no words (SPEC 5.5)");
  for (size_t i = 1; i < judge_answer.count; i++) {
    part p = judge_answer.words[i];
    size_t equals = 0;
    while (equals < p.length && p.bytes[equals] != '=') equals++;
    DEMAND(equals > 0 && equals < p.length, "HEALTH answers with keys and values (SPEC 5.5)");
    part value = {p.bytes + equals + 1, p.length - equals - 1};
    bool reason = part_is((part){p.bytes, equals}, "resetReason");
    DEMAND(reason || is_value(value), "a value has up to nine digits and three decimals (SPEC 5.5)");
  }
}

#endif

/* ---- any answer ---- */

/* The longest line that the host reads: its first maxLine counts. */
static size_t host_limit(void) {
  for (size_t i = 2; i < judge_request.count; i++) {
    part word = judge_request.words[i];
    uint64_t value;
    if (word.length < 8 || memcmp(word.bytes, "maxLine=", 8) != 0) continue;
    DEMAND(part_number((part){word.bytes + 8, word.length - 8}, 5, &value) && value >= 512 && value <= 65536,
           "a host's maxLine is 512 to 65536 (SPEC 5.1)");
    return value;
  }
  return 512;
}

static void judge_hello(judge *j) {
  part p = judge_request.words[1];
  bool repeated = false;
  j->agreed = host_limit() < LV06_REPLY_MAX ? host_limit() : LV06_REPLY_MAX;
  for (size_t i = 0; i < judge_answer.count; i++) {
    part word = judge_answer.words[i];
    repeated = repeated || (word.length == 14 && memcmp(word.bytes, "nonce=", 6) == 0 && memcmp(word.bytes + 6, p.bytes, 8) == 0);
  }
  DEMAND(judge_request.count >= 2 && p.length == 8 && repeated, "HELLO repeats the host's nonce (SPEC 5.1)");
  DEMAND(j->b->last.length + 1 <= 512, "the reply to HELLO fits in 512 bytes (SPEC 5.1)");
  j->present = false;
}

static void judge_ok(judge *j) {
  if (part_is(judge_request.verb, "HELLO")) judge_hello(j);
  if (part_is(judge_request.verb, "HASH")) judge_hash();
#if !LV06_MINIMAL
  if (part_is(judge_request.verb, "PING")) DEMAND(judge_request.count == 0 && judge_answer.count == 1, "PING answers with nothing (SPEC 5.2)");
  if (part_is(judge_request.verb, "BATCH")) judge_batch();
  if (part_is(judge_request.verb, "RESET")) {
    DEMAND(judge_request.count == 1 && judge_request.words[0].length == 8 && memcmp(judge_request.words[0].bytes, judge_answer.words[0].bytes, 8) == 0,
           "RESET names the present boot (SPEC 5.10)");
  }
  if (part_is(judge_request.verb, "IMAGE")) judge_image(j);
  if (part_is(judge_request.verb, "HEALTH")) judge_health();
  if (part_is(judge_request.verb, "WORK")) judge_work(j);
#endif
}

/* The last line that was written is the answer; before it there may be a WORK notice. */
static void judge_reply(judge *j, size_t lines) {
  part last = j->b->last;
  DEMAND(lines == 1 || lines == 2, "a request has one answer (SPEC 4.1)");
  DEMAND(oracle_read(last.bytes, last.length, ORACLE_LINE, &judge_answer) == LINE_FRAME, "an answer is a frame");
  DEMAND(judge_answer.seq == judge_request.seq, "an answer bears the request's number (SPEC 4.1)");
#if !LV06_MINIMAL
  DEMAND(!j->b->core->rate.trying || part_is(judge_request.verb, "BAUD"), "the first request confirms a rate (SPEC 5.9)");
#endif
  if (part_is(judge_answer.verb, "OK")) {
    judge_ok(j);
    return;
  }
  DEMAND(part_is(judge_answer.verb, "ERR"), "a request is answered with OK or ERR (SPEC 4.1)");
#if !LV06_MINIMAL
  if (part_is(judge_answer.words[1], "MISSING")) judge_missing(j);
  if (part_is(judge_answer.words[1], "LENGTH") && part_is(judge_request.verb, "BATCH")) judge_batch_length(j);
  if (part_is(judge_request.verb, "WORK")) judge_no_work(j);
#endif
}

static void judge_nak(const judge *j, size_t lines, const char *reason) {
  DEMAND(lines <= 1, "one NAK for one line (SPEC 4.3)");
  if (lines == 0) return;
  DEMAND(oracle_read(j->b->last.bytes, j->b->last.length, ORACLE_LINE, &judge_answer) == LINE_FRAME &&
             part_is(judge_answer.verb, "NAK") && judge_answer.count == 2 && part_is(judge_answer.words[1], reason),
         "a NAK tells the first reason that holds (SPEC 3.5)");
}

static bool is_echo(void) {
  static const char *const own[] = {"OK", "ERR", "NAK", "BOOT"};
  for (size_t i = 0; i < 4; i++) {
    if (part_is(judge_request.verb, own[i])) return true;
  }
  return judge_request.seq == 0 && part_is(judge_request.verb, "WORK");
}

static void judge_line(judge *j, size_t lines) {
  line_kind kind = oracle_read(j->pending, j->length, LV06_LINE_MAX, &judge_request);
  if (kind == LINE_LOG || (kind == LINE_FRAME && is_echo())) {
    DEMAND(lines == 0, "log and echoes are not answered (SPEC 3.5, 4.1)");
  } else if (kind == LINE_ASK) {
    DEMAND(lines == 1 && j->b->last.length > 0 && j->b->last.bytes[0] != '~', "? gets one readable line (SPEC 3.5)");
  } else if (kind == LINE_FRAME && judge_request.seq != 0) {
    judge_reply(j, lines);
  } else {
    judge_nak(j, lines, kind == LINE_FRAME ? "SEQ" : oracle_reason(kind));
  }
}

static void take(judge *j, const uint8_t *bytes, size_t length) {
  if (j->length + length > j->capacity) {
    j->capacity = 2 * (j->length + length);
    j->pending = realloc(j->pending, j->capacity);
    if (j->pending == NULL) abort();
  }
  if (length > 0) memcpy(j->pending + j->length, bytes, length);
  j->length += length;
}

/* Half a line that came at another rate is lost. */
static void turn(judge *j) {
  board_turn(j->b);
  if (j->turns != j->b->turns) j->length = 0;
  j->turns = j->b->turns;
}

void judge_send(judge *j, const uint8_t *bytes, size_t length) {
  turn(j);
  while (length > 0) {
    const uint8_t *feed = memchr(bytes, '\n', length);
    size_t line = feed != NULL ? (size_t)(feed - bytes) : length, before = j->b->lines;
    take(j, bytes, line);
    board_feed(j->b, bytes, feed != NULL ? line + 1 : line);
    if (feed == NULL) {
      DEMAND(j->b->lines == before, "half a line is not answered");
      return;
    }
    judge_line(j, j->b->lines - before);
    DEMAND(j->b->core->reply_max == j->agreed, "lines are as long as HELLO agreed, and HELLO alone (SPEC 3.1, 5.1)");
    j->length = 0;
    if (j->b->restart) {
      board_start(j->b);
      j->present = false;
      j->agreed = 512;
      return; /* what came behind it was lost in the restart */
    }
    if (j->b->rate != j->b->next_rate) return; /* and so is what came before the rate has changed */
    bytes += line + 1;
    length -= line + 1;
  }
}
