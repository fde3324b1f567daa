#define _GNU_SOURCE /* ppoll */

#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* A USB full-speed packet: the granularity in which a paced line moves. */
enum { PACKET = 64 };
static const int64_t second_ns = 1000000000;

int64_t pump_now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

void pump_start(pump *p, int fd, unsigned baud) {
  memset(p, 0, sizeof *p);
  p->fd = fd;
  p->baud = baud;
}

void pump_write(pump *p, const uint8_t *bytes, size_t length) {
  /* Cannot happen while `feed_core` leaves room for a reply; a lost line is what a full UART would do. */
  if (length > sizeof p->out - p->out_length) return;
  memcpy(p->out + p->out_length, bytes, length);
  p->out_length += length;
}

/* When the line is free again after `length` bytes of 10 bits each. */
static int64_t due_after(const pump *p, int64_t due_ns, int64_t now_ns, size_t length) {
  if (p->baud == 0) return 0;
  return (due_ns > now_ns ? due_ns : now_ns) + (int64_t)length * 10 * second_ns / (int64_t)p->baud;
}

static int receive(pump *p, int64_t now_ns) {
  ssize_t length = read(p->fd, p->in, p->baud == 0 ? (size_t)PUMP_IN : (size_t)PACKET);
  if (length < 0) return errno == EAGAIN || errno == EINTR || errno == EIO ? 0 : errno;
  p->in_at = 0;
  p->in_length = (size_t)length;
  p->in_due_ns = due_after(p, p->in_due_ns, now_ns, p->in_length);
  return 0;
}

static int transmit(pump *p, int64_t now_ns) {
  size_t most = p->baud != 0 && p->out_length > PACKET ? (size_t)PACKET : p->out_length;
  ssize_t length = write(p->fd, p->out, most);
  if (length < 0) return errno == EAGAIN || errno == EINTR || errno == EIO ? 0 : errno;
  p->out_length -= (size_t)length;
  memmove(p->out, p->out + length, p->out_length);
  p->out_due_ns = due_after(p, p->out_due_ns, now_ns, (size_t)length);
  return 0;
}

/* One line at a time while its reply surely fits: a host that does not read is not read from either. */
static void feed_core(pump *p, lv06_core *core) {
  while (p->in_at < p->in_length && sizeof p->out - p->out_length >= LV06_REPLY_MAX) {
    const uint8_t *start = p->in + p->in_at;
    const uint8_t *end = memchr(start, '\n', p->in_length - p->in_at);
    size_t length = end == NULL ? p->in_length - p->in_at : (size_t)(end - start) + 1u;
    lv06_feed(core, start, length);
    p->in_at += length;
  }
}

int pump_run(pump *p, lv06_core *core, int stop_fd) {
  for (;;) {
    int64_t now_ns = pump_now_ns(), wait_ns = -1;
    bool hungry = p->in_at == p->in_length, full = p->out_length > 0;
    struct pollfd fds[2] = {{stop_fd, POLLIN, 0}, {p->fd, 0, 0}};
    if (hungry && p->in_due_ns <= now_ns) fds[1].events |= POLLIN;
    if (full && p->out_due_ns <= now_ns) fds[1].events |= POLLOUT;
    if (hungry && p->in_due_ns > now_ns) wait_ns = p->in_due_ns - now_ns;
    if (full && p->out_due_ns > now_ns && (wait_ns < 0 || p->out_due_ns - now_ns < wait_ns)) {
      wait_ns = p->out_due_ns - now_ns;
    }
    struct timespec wait = {(time_t)(wait_ns / second_ns), (long)(wait_ns % second_ns)};
    if (ppoll(fds, 2, wait_ns < 0 ? NULL : &wait, NULL) < 0 && errno != EINTR) return errno;
    if ((fds[0].revents & POLLIN) != 0) return 0;
    int problem = 0;
    now_ns = pump_now_ns();
    if ((fds[1].revents & POLLIN) != 0) problem = receive(p, now_ns);
    feed_core(p, core);
    /* Without a rate, what was just made goes out at once, in one write. */
    bool writable = (fds[1].revents & POLLOUT) != 0 || (p->baud == 0 && (fds[1].revents & POLLIN) != 0);
    if (problem == 0 && writable && p->out_length > 0) problem = transmit(p, now_ns);
    if (problem != 0) return problem;
    feed_core(p, core);
  }
}
