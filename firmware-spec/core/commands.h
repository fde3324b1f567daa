/* The commands, and what the core has to do for them at boot and as time passes. */
#ifndef LV06_COMMANDS_H
#define LV06_COMMANDS_H

#include "request.h"

void lv06_hello(lv06_request *r);
void lv06_ping(lv06_request *r);
void lv06_hash(lv06_request *r);
void lv06_batch(lv06_request *r);
void lv06_image_command(lv06_request *r);
void lv06_health(lv06_request *r);
void lv06_work(lv06_request *r);
void lv06_attest(lv06_request *r);
void lv06_key(lv06_request *r);
void lv06_baud(lv06_request *r);
void lv06_log(lv06_request *r);
void lv06_reset(lv06_request *r);

typedef struct {
  const char *verb;
  const char *capability; /* NULL: every device has it */
  bool (*offered)(const lv06_hal *hal);
  void (*act)(lv06_request *r);
  bool always; /* answers even where it is not offered, and says why */
} lv06_command;

/* Every command that was built in, in the order of SPEC 5; one without a verb ends them. */
const lv06_command *lv06_commands(void);

bool lv06_has_raster(const lv06_hal *hal);
bool lv06_has_rates(const lv06_hal *hal);

/* Looks at what the ASIC found, the deadline, and the notices that are due. */
void lv06_work_tick(lv06_core *core);
/* Milliseconds to the next tick. */
uint32_t lv06_work_due(const lv06_core *core);
/* Ends the search, if one runs, without a word. */
void lv06_work_quit(lv06_core *core);

void lv06_rate_start(lv06_core *core);
/* Looks whether the line has changed to the rate that was asked for. */
void lv06_rate_settle(lv06_core *core);
/* A good request has come: the rate is right. */
void lv06_rate_heard(lv06_core *core);
void lv06_rate_tick(lv06_core *core);
uint32_t lv06_rate_due(const lv06_core *core);

/* A new image: nothing of it is hashed. */
void lv06_ahead_restart(lv06_ahead *ahead);
/* The scales that roots are wanted of, now and probably for the next image; of others the trees are forgotten. */
void lv06_ahead_expect(lv06_ahead *ahead, const uint32_t *scales, uint32_t count);
/* Rows from `first` on have other pixels than before. */
void lv06_ahead_changed(lv06_core *core, size_t first);
/* Hashes up to `blocks` blocks whose rows are all there. False when the SHA unit failed; that scale is then begun anew.
 * The line is done with when this is called: it holds the block. */
bool lv06_ahead_hash(lv06_core *core, size_t blocks);
/* The root of the scale at `i`, all of whose blocks are hashed. False when the SHA unit failed. */
bool lv06_ahead_root(lv06_core *core, uint32_t i, uint8_t *digest);
/* SHA-256 of one block of the image; overwrites the line. */
bool lv06_block_digest(lv06_core *core, uint32_t scale, size_t index, uint8_t *digest);

/* HMAC-SHA-256 under the device's key of tag ‖ data ‖ tail (SPEC 5.7). `tag` has at most 16 characters, the data at
 * most LV06_HEADER_SIZE bytes, the tail at most 4. */
bool lv06_mac(const lv06_hal *hal, const char *tag, lv06_span data, lv06_span tail, uint8_t mac[LV06_DIGEST_SIZE]);
void lv06_boot_bytes(const lv06_core *core, uint8_t bytes[4]);

#endif
