/*
 * lv06-model: the device core as a Linux process behind a pseudo-terminal. It is a model of an LV06 with
 * direct-hash firmware, says `simulated=1` in every HELLO, and has no ASIC.
 */
#define _GNU_SOURCE /* getrandom, prctl */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../core/lv06.h"
#include "../core/sha256.h"
#include "pty.h"
#include "pump.h"
#include "sensors.h"

typedef struct {
  pump pump;
  model_sensors sensors;
  int64_t start_ns;
  char device[32];
} model;

typedef struct {
  const char *link;
  unsigned long seed, baud;
} options;

static void hal_write(void *context, const uint8_t *bytes, size_t length) {
  pump_write(&((model *)context)->pump, bytes, length);
}

static bool hal_sha256(void *context, const uint8_t *bytes, size_t length, uint8_t digest[LV06_DIGEST_SIZE]) {
  (void)context;
  lv06_sha256(bytes, length, digest);
  return true;
}

static void hal_sensors(void *context, lv06_readings *readings) {
  model_sensors_read(&((model *)context)->sensors, readings);
}

static uint64_t hal_clock_ms(void *context) {
  return (uint64_t)(pump_now_ns() - ((const model *)context)->start_ns) / 1000000u;
}

/* Not from the seed: two boots must differ even when everything else is repeated. */
static uint32_t hal_random(void *context) {
  uint32_t value = 0;
  (void)context;
  if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) value = (uint32_t)pump_now_ns();
  return value;
}

static int usage(const char *problem) {
  fprintf(stderr, "lv06-model: %s\nusage: lv06-model [--link PATH] [--seed N] [--baud-pace BAUD]\n", problem);
  return 2;
}

static bool number(const char *text, unsigned long most, unsigned long *value) {
  char *end;
  if (text[0] < '0' || text[0] > '9') return false;
  errno = 0;
  *value = strtoul(text, &end, 10);
  return errno == 0 && *end == '\0' && *value <= most;
}

static const char *read_options(int argc, char **argv, options *o) {
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 >= argc) return "every option takes a value";
    if (strcmp(argv[i], "--link") == 0) {
      o->link = argv[i + 1];
    } else if (strcmp(argv[i], "--seed") == 0) {
      if (!number(argv[i + 1], 0xffffffffu, &o->seed)) return "--seed takes a number from 0 to 4294967295";
    } else if (strcmp(argv[i], "--baud-pace") == 0) {
      if (!number(argv[i + 1], 20000000u, &o->baud) || o->baud < 300) return "--baud-pace takes 300 to 20000000";
    } else {
      return "unknown option";
    }
  }
  return NULL;
}

/* Ends with its parent, so that no test or demo leaves a model behind. */
static bool die_with_parent(pid_t parent) {
  return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

static int stop_signals(void) {
  sigset_t set;
  if (sigemptyset(&set) != 0 || sigaddset(&set, SIGTERM) != 0 || sigaddset(&set, SIGINT) != 0 ||
      sigaddset(&set, SIGHUP) != 0 || sigprocmask(SIG_BLOCK, &set, NULL) != 0) {
    return -1;
  }
  return signalfd(-1, &set, SFD_CLOEXEC);
}

static int run(const options *o, const model_pty *pty, int stop_fd) {
  static model m;
  static lv06_core core;
  const lv06_hal hal = {&m,         hal_write,          hal_sha256, hal_sensors, hal_clock_ms,
                        hal_random, "lv06-model/0.1.0", m.device,   true};
  (void)snprintf(m.device, sizeof m.device, "lv06-model-%08lx", o->seed);
  m.start_ns = pump_now_ns();
  model_sensors_start(&m.sensors, o->seed);
  pump_start(&m.pump, pty->master, (unsigned)o->baud);
  lv06_start(&core, &hal);
  printf("%s\n", pty->path);
  if (fflush(stdout) != 0) return errno;
  return pump_run(&m.pump, &core, stop_fd);
}

int main(int argc, char **argv) {
  pid_t parent = getppid();
  options o = {NULL, 1, 0};
  model_pty pty;
  const char *problem = read_options(argc, argv, &o);
  if (problem != NULL) return usage(problem);
  int stop_fd = stop_signals();
  if (stop_fd < 0 || !die_with_parent(parent)) {
    fprintf(stderr, "lv06-model: cannot follow its parent's end\n");
    return 1;
  }
  if (!model_pty_open(&pty) || (o.link != NULL && !model_pty_link(&pty, o.link))) {
    fprintf(stderr, "lv06-model: cannot open a pseudo-terminal or link it: %s\n", strerror(errno));
    return 1;
  }
  int failure = run(&o, &pty, stop_fd);
  if (o.link != NULL) model_pty_unlink(&pty, o.link);
  if (failure != 0) fprintf(stderr, "lv06-model: %s\n", strerror(failure));
  return failure == 0 ? 0 : 1;
}
