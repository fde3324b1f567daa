/*
 * lv06-model: the device core as a Linux process behind a pseudo-terminal. It is a model of an LV06 with direct-hash
 * firmware, and says `simulated=1` in every HELLO.
 */
#define _GNU_SOURCE /* getrandom, prctl */

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "board.h"
#include "options.h"
#include "pty.h"
#include "pump.h"
#include "random.h"

typedef struct {
  pump pump;
  model_board board;
  uint32_t start_rate; /* 0 on native USB that is not paced */
  double brownout_s;
  uint64_t random;      /* of the brown-outs */
  uint64_t brownout_us; /* when the next comes */
} model;

static uint64_t now_us(void *context) {
  (void)context;
  return (uint64_t)pump_now_ns() / 1000u;
}

/* Not from the seed: two boots must differ even when everything else is repeated. */
static uint32_t true_random(void *context) {
  uint32_t value = 0;
  if (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value) value = (uint32_t)now_us(context);
  return value;
}

static void board_write(void *context, const uint8_t *bytes, size_t length) {
  pump_write(&((model *)context)->pump, bytes, length);
}

static void board_set_rate(void *context, uint32_t baud) { pump_set_rate(&((model *)context)->pump, baud); }

static uint32_t board_rate(void *context) { return ((const model *)context)->pump.rate; }

static void board_restart(void *context) { pump_restart(&((model *)context)->pump); }

static void boot(model *m, model_boot_reason reason) {
  pump_reset(&m->pump, m->start_rate);
  model_board_boot(&m->board, reason);
}

static void draw_brownout(model *m) {
  double u = ((double)(model_random(&m->random) >> 11) + 0.5) / 9007199254740992.0;
  m->brownout_us = m->brownout_s > 0 ? now_us(m) + (uint64_t)(-log(u) * m->brownout_s * 1e6) : UINT64_MAX;
}

static void line_feed(void *context, const uint8_t *bytes, size_t length) {
  model_board_feed(&((model *)context)->board, bytes, length);
}

static uint64_t line_poll(void *context) {
  model *m = context;
  uint64_t now = now_us(m);
  if (now >= m->brownout_us) {
    boot(m, MODEL_BROWNOUT);
    draw_brownout(m);
  }
  uint64_t wait_us = model_board_poll(&m->board);
  if (m->brownout_us != UINT64_MAX && m->brownout_us - now < wait_us) wait_us = m->brownout_us - now;
  return wait_us;
}

static void line_restart(void *context) { boot(context, MODEL_SOFTWARE); }

static bool line_signal(void *context, unsigned number) {
  if (number == SIGUSR1) {
    boot(context, MODEL_BROWNOUT);
  } else if (number == SIGUSR2) {
    boot(context, MODEL_PANIC);
  } else {
    return false;
  }
  return true;
}

/* Ends with its parent, so that no test or demo leaves a model behind. */
static bool die_with_parent(pid_t parent) {
  return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

static int take_signals(void) {
  static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
  sigset_t set;
  if (sigemptyset(&set) != 0) return -1;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    if (sigaddset(&set, numbers[i]) != 0) return -1;
  }
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int run(const program_options *o, const model_pty *pty, int signal_fd) {
  static model m;
  const pump_device device = {&m,           line_feed,   line_poll,
                              line_restart, line_signal, LV06_REPLY_MAX + MODEL_SPARE};
  const model_platform platform = {&m,         board_write,  now_us, true_random, o->uart ? board_set_rate : NULL,
                                   board_rate, board_restart};
  m.start_rate = o->uart ? LV06_START_RATE : o->baud;
  m.brownout_s = o->brownout_s;
  m.random = ~(uint64_t)o->board.seed;
  draw_brownout(&m);
  pump_start(&m.pump, pty->master, &device, m.start_rate, o->uart, o->baud != 0);
  model_board_start(&m.board, &o->board, &platform);
  printf("%s\n", pty->path);
  if (fflush(stdout) != 0) return errno;
  return pump_run(&m.pump, signal_fd);
}

int main(int argc, char **argv) {
  pid_t parent = getppid();
  program_options o;
  model_pty pty;
  const char *problem = program_options_read(argc, argv, &o);
  if (problem != NULL) {
    fprintf(stderr, "lv06-model: %s\n%s", problem, program_usage);
    return 2;
  }
  int signal_fd = take_signals();
  if (signal_fd < 0 || !die_with_parent(parent)) {
    fprintf(stderr, "lv06-model: cannot follow its parent's end\n");
    return 1;
  }
  /* Without this, a sleep of a packet's length takes twice as long. */
  (void)prctl(PR_SET_TIMERSLACK, 1000ul);
  if (!model_pty_open(&pty, o.uart) || (o.link != NULL && !model_pty_link(&pty, o.link))) {
    fprintf(stderr, "lv06-model: cannot open a pseudo-terminal or link it: %s\n", strerror(errno));
    return 1;
  }
  int failure = run(&o, &pty, signal_fd);
  if (o.link != NULL) model_pty_unlink(&pty, o.link);
  if (failure != 0) fprintf(stderr, "lv06-model: %s\n", strerror(failure));
  return failure == 0 ? 0 : 1;
}
