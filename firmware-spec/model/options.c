#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char program_usage[] =
    "usage: lv06-model [OPTION...]\n"
    "  --link PATH         a symbolic link to the pseudo-terminal, replaced at the start, removed at the end\n"
    "  --seed N            0 to 4294967295, default 1: device id, key, drift, where searches begin\n"
    "  --uart              a UART: begins at 115200 baud, takes BAUD, garbles bytes while the host has another rate\n"
    "  --baud-pace BAUD    300 to 20000000: bytes take their time at this rate; with --uart, at the line's own\n"
    "  --hashrate-ghs X    0.001 to 1000000, default 433.6\n"
    "  --work-scale X      a share of difficulty d takes the time of one of d * X; default 105859375: a second for a\n"
    "                      difficulty of 2^-20; 0: as fast as this computer finds it\n"
    "  --asic-steps N      1 to 4194304, default 4194304: nonces of each of its 894 cores; few let a search run out of them\n"
    "  --key HEX64         the device's HMAC key, default derived from the seed\n"
    "  --no-key            no key: neither ATTEST nor KEY\n"
    "  --banner            boot text before the BOOT notice, as an ESP32-S3 writes it\n"
    "  --brownout-s MEAN   brown-outs at random times, so many seconds apart on average\n"
    "signals: USR1 brown-out, USR2 crash\n";

/* An option's value: what is wrong with it, or NULL. */
typedef const char *(*reader)(const char *text, program_options *o);

static bool whole(const char *text, unsigned long most, unsigned long *value) {
  char *end;
  if (text[0] < '0' || text[0] > '9') return false;
  errno = 0;
  *value = strtoul(text, &end, 10);
  return errno == 0 && *end == '\0' && *value <= most;
}

static bool real(const char *text, double least, double most, double *value) {
  char *end;
  if ((text[0] < '0' || text[0] > '9') && text[0] != '.') return false;
  *value = strtod(text, &end);
  return *end == '\0' && *value >= least && *value <= most;
}

static const char *read_link(const char *text, program_options *o) {
  o->link = text;
  return NULL;
}

static const char *read_baud(const char *text, program_options *o) {
  unsigned long value;
  if (!whole(text, 20000000u, &value) || value < 300) return "--baud-pace takes 300 to 20000000";
  o->baud = (uint32_t)value;
  return NULL;
}

static const char *read_hashrate(const char *text, program_options *o) {
  return real(text, 0.001, 1e6, &o->board.hashrate_ghs) ? NULL : "--hashrate-ghs takes 0.001 to 1000000";
}

static const char *read_scale(const char *text, program_options *o) {
  return real(text, 0, 1e18, &o->board.work_scale) ? NULL : "--work-scale takes 0 to 1e18";
}

static const char *read_steps(const char *text, program_options *o) {
  unsigned long value;
  if (!whole(text, BM1366_STEPS, &value) || value == 0) return "--asic-steps takes 1 to 4194304";
  o->board.steps = (uint32_t)value;
  return NULL;
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *read_key(const char *text, program_options *o) {
  static const char problem[] = "--key takes 64 digits 0-9a-f";
  if (strlen(text) != 2 * sizeof o->board.key) return problem;
  for (size_t i = 0; i < sizeof o->board.key; i++) {
    int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return problem;
    o->board.key[i] = (uint8_t)(high * 16 + low);
  }
  o->board.has_key = true;
  return NULL;
}

static const char *read_brownout(const char *text, program_options *o) {
  return real(text, 0.001, 1e9, &o->brownout_s) ? NULL : "--brownout-s takes 0.001 to 1000000000";
}

static const char *read_seed(const char *text, program_options *o) {
  unsigned long value;
  if (!whole(text, 0xffffffffu, &value)) return "--seed takes a number from 0 to 4294967295";
  o->board = model_options_default((uint32_t)value);
  return NULL;
}

static bool read_flag(const char *name, program_options *o) {
  if (strcmp(name, "--uart") == 0) {
    o->uart = true;
  } else if (strcmp(name, "--no-key") == 0) {
    o->board.has_key = false;
  } else if (strcmp(name, "--banner") == 0) {
    o->board.banner = true;
  } else {
    return false;
  }
  return true;
}

/* One pass over the command line, for the seed alone or for all but the seed: it sets the other defaults. */
static const char *read_pass(int argc, char **argv, bool seed, program_options *o) {
  static const struct {
    const char *name;
    reader read;
    bool seed;
  } valued[] = {{"--seed", read_seed, true},      {"--link", read_link, false},
                {"--baud-pace", read_baud, false}, {"--hashrate-ghs", read_hashrate, false},
                {"--work-scale", read_scale, false}, {"--asic-steps", read_steps, false}, {"--key", read_key, false},
                {"--brownout-s", read_brownout, false}};
  program_options unused;
  for (int i = 1; i < argc; i++) {
    size_t at = 0;
    if (read_flag(argv[i], seed ? &unused : o)) continue;
    while (at < sizeof valued / sizeof valued[0] && strcmp(argv[i], valued[at].name) != 0) at++;
    if (at == sizeof valued / sizeof valued[0]) return "unknown option";
    if (++i >= argc) return "this option takes a value";
    const char *problem = valued[at].seed == seed ? valued[at].read(argv[i], o) : NULL;
    if (problem != NULL) return problem;
  }
  return NULL;
}

const char *program_options_read(int argc, char **argv, program_options *o) {
  memset(o, 0, sizeof *o);
  o->board = model_options_default(1);
  const char *problem = read_pass(argc, argv, true, o);
  return problem != NULL ? problem : read_pass(argc, argv, false, o);
}
