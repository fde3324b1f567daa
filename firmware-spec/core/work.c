/* WORK: SPEC 5.6. */
#include "bytes.h"
#include "commands.h"
#include "mem.h"

#define NOTICE_MS 2000u
#define DEADLINE_MAX_MS 3600000u
#define NONCE_AT 76u
#define REPORTS_A_TICK 16u /* so that a mad ASIC cannot keep the line from its turn */

#if !LV06_MINIMAL

static uint64_t now(const lv06_core *core) { return core->hal->clock_ms(core->hal->context); }

static void put_search(lv06_text *text, const lv06_core *core) {
  static const char *const names[] = {"", "running", "found", "expired", "exhausted", "stopped", "failed"};
  const lv06_search *s = &core->search;
  bool running = s->state == LV06_RUNNING;
  lv06_put(text, " ");
  lv06_put_hex(text, s->id, 8);
  lv06_put(text, " ");
  lv06_put(text, names[s->state]);
  lv06_put_counter(text, "elapsedMs", running ? now(core) - s->start_ms : s->elapsed_ms);
  lv06_put_number(text, "hashes", running ? core->hal->work_hashes(core->hal->context) : s->hashes);
  if (s->reports > 0) lv06_put_counter(text, "errors", s->errors);
  if (s->state != LV06_FOUND) return;
  lv06_put_pair(text, "nonce", "");
  lv06_put_hex(text, s->nonce.nonce, 8);
  lv06_put_pair(text, "version", "");
  lv06_put_hex(text, s->nonce.version, 8);
  if (!s->has_mac) return;
  lv06_put_pair(text, "mac", "");
  lv06_put_hex_bytes(text, s->mac, sizeof s->mac);
}

static void notify(lv06_core *core) {
  lv06_text text = lv06_reply_begin(core, 0, "WORK");
  put_search(&text, core);
  lv06_reply_send(core, &text);
}

static void end(lv06_core *core, lv06_state state) {
  lv06_search *s = &core->search;
  s->hashes = core->hal->work_hashes(core->hal->context);
  s->elapsed_ms = now(core) - s->start_ms;
  s->state = state;
  core->hal->work_stop(core->hal->context);
}

/* Whether the little-endian digest, halved `shift` times (0 or 1), is at most the target. */
static bool meets(const uint8_t *digest, const uint8_t *target, unsigned shift) {
  for (unsigned i = 0; i < LV06_DIGEST_SIZE; i++) {
    unsigned byte = digest[LV06_DIGEST_SIZE - 1u - i];
    if (shift > 0) byte = byte >> 1 | (i > 0 ? (digest[LV06_DIGEST_SIZE - i] & 1u) << 7 : 0);
    if (byte != target[i]) return byte < target[i];
  }
  return true;
}

static bool hash_twice(const lv06_hal *hal, const uint8_t *header, uint8_t *digest) {
  uint8_t first[LV06_DIGEST_SIZE];
  return hal->sha256(hal->context, header, LV06_HEADER_SIZE, first) &&
         hal->sha256(hal->context, first, sizeof first, digest);
}

static void find(lv06_core *core, lv06_nonce nonce, uint8_t *header) {
  uint8_t boot[4];
  lv06_search *s = &core->search;
  lv06_boot_bytes(core, boot);
  s->nonce = nonce;
  s->has_mac = core->hal->hmac != NULL && lv06_mac(core->hal, "lv06/work/1", (lv06_span){header, LV06_HEADER_SIZE},
                                                   (lv06_span){boot, sizeof boot}, s->mac);
  end(core, LV06_FOUND);
}

/* An ASIC told a power of two reports digests of up to nearly twice the target, which is no error. */
static void check(lv06_core *core, lv06_nonce nonce) {
  uint8_t header[LV06_HEADER_SIZE], digest[LV06_DIGEST_SIZE];
  lv06_search *s = &core->search;
  s->reports++;
  memcpy(header, s->job.header, sizeof header);
  bool allowed = ((nonce.version ^ lv06_load_le(header)) & ~s->job.version_mask) == 0;
  lv06_store_le(header, nonce.version);
  lv06_store_le(header + NONCE_AT, nonce.nonce);
  bool hashed = allowed && hash_twice(core->hal, header, digest);
  if (hashed && meets(digest, s->job.target, 0)) {
    find(core, nonce, header);
  } else if (!hashed || !meets(digest, s->job.target, 1)) {
    s->errors++;
    s->all_errors++;
  }
}

static void hear(lv06_core *core) {
  lv06_nonce nonce = {0, 0};
  for (unsigned i = 0; i < REPORTS_A_TICK && core->search.state == LV06_RUNNING; i++) {
    switch (core->hal->work_poll(core->hal->context, &nonce)) {
    case LV06_WORK_NOTHING:
      return;
    case LV06_WORK_NONCE:
      check(core, nonce);
      break;
    case LV06_WORK_EXHAUSTED:
      end(core, LV06_EXHAUSTED);
      break;
    case LV06_WORK_FAILED:
      end(core, LV06_FAILED);
      break;
    }
  }
}

static void look(lv06_core *core) {
  lv06_search *s = &core->search;
  if (s->state != LV06_RUNNING) return;
  hear(core);
  if (s->state == LV06_RUNNING && now(core) - s->start_ms >= s->deadline_ms) end(core, LV06_EXPIRED);
  s->ended = s->state != LV06_RUNNING;
}

static bool is_due(const lv06_core *core) {
  const lv06_search *s = &core->search;
  return s->ended || (s->state == LV06_RUNNING && now(core) >= s->notice_ms);
}

void lv06_work_tick(lv06_core *core) {
  look(core);
  /* While a rate is on trial the line belongs to its answers (SPEC 5.9); what is due then comes after. */
  if (core->rate.trying || !is_due(core)) return;
  core->search.ended = false;
  core->search.notice_ms = now(core) + NOTICE_MS;
  notify(core);
}

uint32_t lv06_work_due(const lv06_core *core) {
  return core->search.state == LV06_RUNNING ? LV06_WORK_POLL_MS : UINT32_MAX;
}

void lv06_work_quit(lv06_core *core) {
  if (core->search.state == LV06_RUNNING) end(core, LV06_STOPPED);
}

static void begin(lv06_request *r, uint32_t id, const lv06_job *job, uint32_t deadline_ms) {
  lv06_search *s = &r->core->search;
  const lv06_hal *hal = r->core->hal;
  if (!hal->work_start(hal->context, job)) {
    lv06_refuse(r, "BUSY", "the ASIC is not free");
    return;
  }
  uint64_t all_errors = s->all_errors;
  memset(s, 0, sizeof *s);
  s->state = LV06_RUNNING;
  s->id = id;
  s->deadline_ms = deadline_ms;
  s->start_ms = now(r->core);
  s->notice_ms = s->start_ms + NOTICE_MS;
  s->all_errors = all_errors;
  s->job = *job;
}

static void start(lv06_request *r) {
  lv06_span header, target;
  lv06_job job;
  uint32_t id, deadline_ms;
  if (!lv06_take_id(r, &id) || !lv06_take_sized(r, &header, 2u * sizeof job.header) ||
      !lv06_take_sized(r, &target, 2u * sizeof job.target) || !lv06_take_id(r, &job.version_mask) ||
      !lv06_take_number(r, 9, &deadline_ms) || deadline_ms == 0 || deadline_ms > DEADLINE_MAX_MS || !lv06_no_more(r) ||
      !lv06_take_bytes(header.bytes, sizeof job.header, job.header) ||
      !lv06_take_bytes(target.bytes, sizeof job.target, job.target)) {
    lv06_refuse(r, "ARGS", "WORK START takes an id, header, target, mask and deadline of 1 to 3600000 ms");
    return;
  }
  memset(job.header + NONCE_AT, 0, 4);
  if (r->core->search.state == LV06_NONE || r->core->search.id != id) begin(r, id, &job, deadline_ms);
}

static void take_up(lv06_request *r, bool stop) {
  uint32_t id;
  if (!lv06_take_id(r, &id) || !lv06_no_more(r)) {
    lv06_refuse(r, "ARGS", "WORK STATUS and STOP take an id");
  } else if (r->core->search.state == LV06_NONE || r->core->search.id != id) {
    lv06_refuse(r, "STATE", "no search of that id");
  } else if (stop) {
    lv06_work_quit(r->core);
  }
}

void lv06_work(lv06_request *r) {
  lv06_span what;
  if (!lv06_take_word(r, &what)) what.length = 0;
  bool stop = lv06_span_is(what, "STOP");
  if (lv06_span_is(what, "START")) {
    start(r);
  } else if (stop || lv06_span_is(what, "STATUS")) {
    take_up(r, stop);
  } else {
    lv06_refuse(r, "ARGS", "WORK takes START, STATUS or STOP");
  }
  if (!r->refused) put_search(&r->text, r->core);
}

#endif
