/* ATTEST and KEY: SPEC 5.7. */
#include "bytes.h"
#include "commands.h"
#include "mem.h"

#if !LV06_MINIMAL

enum { TAG = 16, DATA_MAX = LV06_HEADER_SIZE, TAIL_MAX = 4 };

void lv06_boot_bytes(const lv06_core *core, uint8_t bytes[4]) { lv06_store_be(bytes, core->boot); }

bool lv06_mac(const lv06_hal *hal, const char *tag, lv06_span data, lv06_span tail, uint8_t mac[LV06_DIGEST_SIZE]) {
  uint8_t message[TAG + DATA_MAX + TAIL_MAX] = {0};
  lv06_text text = {message, TAG, 0, false};
  lv06_put(&text, tag);
  memcpy(message + TAG, data.bytes, data.length);
  memcpy(message + TAG + data.length, tail.bytes, tail.length);
  return hal->hmac(hal->context, message, TAG + data.length + tail.length, mac);
}

static void put_mac(lv06_request *r, const char *tag, lv06_span data, lv06_span tail) {
  uint8_t mac[LV06_DIGEST_SIZE];
  if (r->core->hal->hmac == NULL) {
    lv06_refuse(r, "KEY", "no key is provisioned");
  } else if (!lv06_mac(r->core->hal, tag, data, tail, mac)) {
    lv06_refuse(r, "DEVICE", "the HMAC unit failed");
  } else {
    lv06_put_digest(&r->text, mac);
  }
}

static bool decode(lv06_span digits, uint8_t *bytes) {
  return lv06_take_bytes(digits.bytes, LV06_DIGEST_SIZE, bytes);
}

void lv06_attest(lv06_request *r) {
  lv06_span commitment, challenge;
  uint8_t data[2 * LV06_DIGEST_SIZE], boot[4];
  if (!lv06_take_sized(r, &commitment, 64) || !lv06_take_sized(r, &challenge, 64) || !lv06_no_more(r) ||
      !decode(commitment, data) || !decode(challenge, data + LV06_DIGEST_SIZE)) {
    lv06_refuse(r, "ARGS", "ATTEST takes a commitment and a challenge, 64 hex digits each");
  } else {
    lv06_boot_bytes(r->core, boot);
    put_mac(r, "lv06/attest/1", (lv06_span){data, sizeof data}, (lv06_span){boot, sizeof boot});
  }
}

void lv06_key(lv06_request *r) {
  lv06_span context;
  uint8_t data[LV06_DIGEST_SIZE], counter = 1;
  if (!lv06_take_sized(r, &context, 64) || !lv06_no_more(r) || !decode(context, data)) {
    lv06_refuse(r, "ARGS", "KEY takes a context of 64 hex digits");
  } else {
    put_mac(r, "lv06/key/1", (lv06_span){data, sizeof data}, (lv06_span){&counter, 1});
  }
}

#endif
