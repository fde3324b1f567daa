/* The pump between a terminal and a device: here a socket, and a device that answers every line with 2,000 bytes. */
#define _GNU_SOURCE

#include "../pump.h"

#include <fcntl.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

enum { REPLY = 2000, LINES = 200, HOST = 0, DEVICE = 1 };

typedef struct {
  pump pump;
  int ends[2], signals[2];
  unsigned fed, polls, polls_since, restarts;
  bool switches; /* to another rate, at the first line */
} fake;

static void fake_feed(void *context, const uint8_t *bytes, size_t length) {
  static const uint8_t reply[REPLY];
  fake *f = context;
  if (bytes[length - 1] != '\n') return;
  f->fed++;
  f->polls_since = 0;
  if (!f->switches) {
    pump_write(&f->pump, reply, sizeof reply);
  } else if (f->fed == 1) {
    pump_write(&f->pump, reply, 3);
    pump_set_rate(&f->pump, 460800);
  }
}

/* Ends the pump when nothing has come for a while. */
static uint64_t fake_poll(void *context) {
  static const struct signalfd_siginfo end;
  fake *f = context;
  f->polls++;
  if (f->polls_since++ == 50) CHECK(write(f->signals[1], &end, sizeof end) == (ssize_t)sizeof end);
  return 1000;
}

static void fake_restart(void *context) { ((fake *)context)->restarts++; }

static bool fake_signal(void *context, unsigned number) {
  (void)context;
  return number != 0;
}

/* Sends lines that nobody reads the answers of, and pumps until it is quiet. */
static fake *pump_lines(bool uart, bool paced, bool switches) {
  static fake f;
  static const int least = 1;
  char lines[2 * LINES];
  memset(&f, 0, sizeof f);
  f.switches = switches;
  const pump_device device = {&f, fake_feed, fake_poll, fake_restart, fake_signal, REPLY};
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, f.ends) == 0 && pipe2(f.signals, O_CLOEXEC) == 0);
  CHECK(setsockopt(f.ends[DEVICE], SOL_SOCKET, SO_SNDBUF, &least, sizeof least) == 0);
  for (size_t i = 0; i < sizeof lines; i++) lines[i] = i % 2 == 0 ? 'x' : '\n';
  CHECK(write(f.ends[HOST], lines, sizeof lines) == (ssize_t)sizeof lines);
  pump_start(&f.pump, f.ends[DEVICE], &device, uart ? 115200 : 0, uart, paced);
  (void)alarm(20);
  CHECK(pump_run(&f.pump, f.signals[0]) == 0);
  (void)alarm(0);
  for (int i = 0; i < 2; i++) CHECK(close(f.ends[i]) == 0 && close(f.signals[i]) == 0);
  return &f;
}

static void time_passes_while_the_host_does_not_read(void) {
  const fake *f = pump_lines(false, false, false);
  CHECK(f->polls > 50 && f->fed < LINES);
}

static void a_uart_cannot_stop_the_host(void) {
  const fake *f = pump_lines(true, false, false);
  CHECK(f->polls > 50 && f->fed == LINES);
}

static void what_came_before_a_change_of_the_rate_is_dropped(void) {
  const fake *f = pump_lines(true, true, true);
  CHECK(f->pump.rate == 460800 && f->fed < LINES / 2);
}

void pump_tests(void) {
  time_passes_while_the_host_does_not_read();
  a_uart_cannot_stop_the_host();
  what_came_before_a_change_of_the_rate_is_dropped();
}
