/* What a board may hear from the core: frames, and what they tell of a search. */
#include <string.h>

#include "../core/sha256.h"
#include "board.h"

static const char *const codes[] = {"VERB",    "ARGS",    "HEX", "LENGTH", "VERSION", "BUSY",
                                    "STATE", "MISSING", "PAYLOAD", "KEY", "BOOT",   "DEVICE"};
static const char *const reasons[] = {"LONG", "BYTES", "FORM", "CRC", "SEQ"};

static bool one_of(part p, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (part_is(p, names[i])) return true;
  }
  return false;
}

static uint32_t version_of(const lv06_job *job) {
  return (uint32_t)job->header[0] | (uint32_t)job->header[1] << 8 | (uint32_t)job->header[2] << 16 |
         (uint32_t)job->header[3] << 24;
}

/* The double SHA-256 of the job's header with this nonce and version, most significant byte first. */
static void hash_twice(const lv06_job *job, lv06_nonce found, uint8_t digest[LV06_DIGEST_SIZE]) {
  uint8_t header[LV06_HEADER_SIZE], first[LV06_DIGEST_SIZE], last[LV06_DIGEST_SIZE];
  memcpy(header, job->header, sizeof header);
  for (unsigned i = 0; i < 4; i++) {
    header[i] = (uint8_t)(found.version >> 8 * i);
    header[76 + i] = (uint8_t)(found.nonce >> 8 * i);
  }
  lv06_sha256(header, sizeof header, first);
  lv06_sha256(first, sizeof first, last);
  for (size_t i = 0; i < sizeof last; i++) digest[i] = last[31 - i];
}

static bool proves(const lv06_job *job, lv06_nonce found) {
  uint8_t digest[LV06_DIGEST_SIZE];
  hash_twice(job, found, digest);
  return ((version_of(job) ^ found.version) & ~job->version_mask) == 0 && memcmp(digest, job->target, sizeof digest) <= 0;
}

bool board_search(const board *b, bool right, bool rolled, lv06_nonce *found) {
  uint8_t digest[LV06_DIGEST_SIZE];
  for (uint32_t nonce = 0; nonce < 64; nonce++) {
    *found = (lv06_nonce){nonce, version_of(&b->job) ^ (rolled ? 1u << nonce % 32 : 0)};
    hash_twice(&b->job, *found, digest);
    if ((memcmp(digest, b->job.target, sizeof digest) <= 0) == right) return true;
  }
  return false;
}

static bool value_of(const oracle_frame *frame, const char *key, part *value) {
  size_t length = strlen(key);
  for (size_t i = 0; i < frame->count; i++) {
    part p = frame->words[i];
    if (p.length < length || memcmp(p.bytes, key, length) != 0) continue;
    *value = (part){p.bytes + length, p.length - length};
    return true;
  }
  return false;
}

static uint32_t word_of(part hex) {
  uint8_t bytes[4];
  DEMAND(part_bytes(hex, bytes, 4), "a nonce, a version or a boot id is 8 HEX (SPEC 4.1, 5.6)");
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* id state elapsedMs=N hashes=N [errors=N] [nonce=hex8 version=hex8 [mac=hex64]] */
static void check_found(const board *b, const oracle_frame *frame, bool found) {
  part nonce, version, mac;
  DEMAND(found == value_of(frame, "nonce=", &nonce) && found == value_of(frame, "version=", &version),
         "found, and only found, has a nonce and a version (SPEC 5.6)");
  if (!found) return;
  DEMAND(proves(&b->job, (lv06_nonce){word_of(nonce), word_of(version)}), "what is found meets the target (SPEC 5.6)");
  DEMAND(!value_of(frame, "mac=", &mac) || part_is_hex(mac, 64), "mac is hex64 (SPEC 5.6)");
}

/* The first frame that tells of the end is remembered: all later ones must say the same. */
static void check_end(board *b, const oracle_frame *frame, size_t at, bool running) {
  const part *first = &frame->words[at], *last = &frame->words[frame->count - 1];
  size_t length = (size_t)(last->bytes + last->length - first->bytes);
  DEMAND(b->search_end_length == 0 || (length == b->search_end_length && memcmp(first->bytes, b->search_end, length) == 0),
         "in a final state all values stand still (SPEC 5.6)");
  if (running || b->search_end_length > 0 || length > sizeof b->search_end) return;
  memcpy(b->search_end, first->bytes, length);
  b->search_end_length = length;
}

void board_told(board *b, const oracle_frame *frame, size_t at) {
  static const char *const states[] = {"running", "found", "expired", "exhausted", "stopped", "failed"};
  part value;
  uint64_t number;
  DEMAND(frame->count > at + 3 && part_is_hex(frame->words[at], 8), "a search is told by its id first (SPEC 5.6)");
  DEMAND(!b->judged || memcmp(frame->words[at].bytes, b->search_id, 8) == 0, "only the present search is told of (SPEC 5.6)");
  DEMAND(one_of(frame->words[at + 1], states, 6), "a search has one of six states (SPEC 5.6)");
  DEMAND(value_of(frame, "elapsedMs=", &value) && part_number(value, 9, &number), "elapsedMs is a number (SPEC 5.6)");
  DEMAND(value_of(frame, "hashes=", &value) && part_number(value, 20, &number), "hashes is a number (SPEC 5.6)");
  DEMAND(!value_of(frame, "errors=", &value) || part_number(value, 9, &number), "errors is a number (SPEC 5.6)");
  check_found(b, frame, part_is(frame->words[at + 1], "found"));
  check_end(b, frame, at, part_is(frame->words[at + 1], "running"));
}

static void check_frame(board *b, const oracle_frame *frame) {
  bool ok = part_is(frame->verb, "OK"), err = part_is(frame->verb, "ERR"), nak = part_is(frame->verb, "NAK");
  bool boot = part_is(frame->verb, "BOOT"), work = part_is(frame->verb, "WORK");
  DEMAND(ok || err || nak || boot || work, "a device writes OK, ERR, NAK, BOOT and WORK (SPEC 4.1)");
  DEMAND((frame->seq != 0) == (ok || err), "replies bear the request's number, notices 0000 (SPEC 4.1)");
  DEMAND(frame->count > 0 && word_of(frame->words[0]) == b->boot, "the boot id is in every frame (SPEC 4.1)");
  DEMAND(ok || !frame->payload, "only OK has a payload (SPEC 4.1)");
#if !LV06_MINIMAL
  DEMAND(frame->seq != 0 || !b->core->rate.trying, "while a rate is tried, nothing is sent but answers (SPEC 5.9)");
#endif
  if (err) DEMAND(frame->count > 1 && one_of(frame->words[1], codes, 12), "ERR has a known code (SPEC 4.3)");
  if (nak) DEMAND(frame->count > 1 && one_of(frame->words[1], reasons, 5), "NAK has a known reason (SPEC 4.3)");
  if (boot) DEMAND(frame->count == 2 && b->lines == 0, "one BOOT notice, at the start (SPEC 4.1)");
  if (work) board_told(b, frame, 1);
}

void board_written(board *b, const uint8_t *line, size_t length) {
  static oracle_frame frame;
  size_t limit = b->core->reply_max, n;
  DEMAND(limit >= 512 && limit <= LV06_REPLY_MAX, "replies have 512 bytes to maxReply (SPEC 3.1)");
  line_kind kind = oracle_read(line, length, ORACLE_LINE, &frame);
  DEMAND(kind == LINE_FRAME || (kind == LINE_LOG && length > 0), "what begins with ~ is a frame (SPEC 3.2)");
  if (kind == LINE_FRAME) check_frame(b, &frame);
  n = kind == LINE_FRAME && frame.payload ? frame.payload_length : 0;
  DEMAND(length + 1 <= (n > 0 ? limit : 512), "no line is longer than was agreed (SPEC 3.1)");
  DEMAND(n == 0 || 29 + n + (n + 253) / 254 <= limit, "a payload is counted by its longest form (SPEC 3.1)");
  b->lines++;
}
