#define _GNU_SOURCE /* ppoll */

#include "pump.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "garble.h"
#include "rate.h"

static const int64_t second_ns = 1000000000;
/* Later than this, a line that was waited for is taken to have been idle. */
static const int64_t slack_ns = 20000000;

int64_t pump_now_ns(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}

void pump_start(pump *p, int fd, const pump_device *device, uint32_t rate, bool uart, bool paced) {
  memset(p, 0, sizeof *p);
  p->fd = fd;
  p->device = *device;
  p->uart = uart;
  p->paced = paced;
  pump_reset(p, rate);
}

void pump_reset(pump *p, uint32_t rate) {
  p->rate = rate;
  p->written = p->sent = 0;
  p->switch_at = p->restart_at = UINT64_MAX;
  p->on_wire = p->moved = p->out_length = 0;
  p->in_at = p->in_length = 0;
  p->in_flood = false;
}

void pump_write(pump *p, const uint8_t *bytes, size_t length) {
  /* The host does not read, and this is a UART, or a notice: the line is lost. */
  if (length > sizeof p->out - p->out_length) return;
  if (p->out_length == 0) p->out_ready_ns = pump_now_ns();
  memcpy(p->out + p->out_length, bytes, length);
  p->out_length += length;
  p->written += length;
}

void pump_set_rate(pump *p, uint32_t baud) {
  p->next_rate = baud;
  p->switch_at = p->written;
}

void pump_restart(pump *p) { p->restart_at = p->written; }

static bool is_garbled(const pump *p, uint32_t *host_rate) {
  *host_rate = p->uart ? model_rate_get(p->fd) : 0;
  return *host_rate != 0 && *host_rate != p->rate;
}

/* In place, from the buffer's end to its beginning: one byte may become many. */
static size_t garble_input(pump *p, size_t length, uint32_t host_rate) {
  uint8_t *raw = p->in + sizeof p->in - length;
  size_t made = 0;
  memmove(raw, p->in, length);
  for (size_t i = 0; i < length; i++) {
    size_t room = (size_t)(raw + i - p->in) - made;
    made += model_garble(raw[i], host_rate, p->rate, p->in + made, room);
  }
  return made;
}

static int receive(pump *p, int64_t now_ns) {
  size_t most = p->paced ? lane_packet(p->rate) : sizeof p->in;
  uint32_t host_rate;
  bool garbled = is_garbled(p, &host_rate);
  if (garbled && most > 64u) most = 64u;
  size_t length = 0;
  int problem = 0;
  /* A terminal gives what one write brought; what came right behind it was on the line without a gap. */
  while (length < most && problem == 0) {
    ssize_t count = read(p->fd, p->in + length, most - length);
    if (count > 0) length += (size_t)count;
    if (count <= 0) problem = count < 0 ? errno : EAGAIN;
  }
  p->in_at = p->in_length = 0;
  if (length == 0) {
    p->in_flood = false;
    return problem == EAGAIN || problem == EINTR || problem == EIO ? 0 : problem;
  }
  if (p->paced) {
    int64_t free_ns = lane_due_ns(&p->in_lane, p->rate);
    bool waited = p->in_flood && now_ns - free_ns < slack_ns;
    lane_move(&p->in_lane, p->rate, waited ? free_ns : now_ns, length);
    p->in_flood = length == most;
  }
  p->in_length = garbled ? garble_input(p, length, host_rate) : length;
  return 0;
}

/* On USB a host that does not read is not read from either: a line is taken while its reply surely fits. A UART has no
 * way to stop the host. */
static bool may_feed(const pump *p) { return p->uart || sizeof p->out - p->out_length >= p->device.reply_max; }

/* One line at a time. */
static void feed_device(pump *p) {
  while (p->in_at < p->in_length && may_feed(p)) {
    const uint8_t *start = p->in + p->in_at;
    const uint8_t *end = memchr(start, '\n', p->in_length - p->in_at);
    size_t length = end == NULL ? p->in_length - p->in_at : (size_t)(end - start) + 1u;
    p->in_at += length;
    p->device.feed(p->device.context, start, length);
  }
}

/* Lets pass what the rate has let pass by now, a packet at a time, but not beyond a change of the rate. */
static void move_output(pump *p, int64_t now_ns) {
  size_t most = sizeof p->in; /* as much as a terminal takes at once */
  for (;;) {
    if (p->on_wire == 0) {
      size_t left = p->out_length - p->moved;
      uint64_t before_switch = p->switch_at - p->sent - p->moved;
      if (left > before_switch) left = (size_t)before_switch;
      if (left == 0 || p->moved >= most) return;
      if (!p->paced) {
        p->moved += left;
        return;
      }
      p->on_wire = left < lane_packet(p->rate) ? left : lane_packet(p->rate);
      lane_move(&p->out_lane, p->rate, p->out_ready_ns, p->on_wire);
    }
    if (lane_due_ns(&p->out_lane, p->rate) > now_ns) return;
    p->moved += p->on_wire;
    p->on_wire = 0;
  }
}

/* Garbage that finds no room is lost: nobody will miss it. */
static ssize_t write_garbled(const pump *p, size_t length, uint32_t host_rate) {
  uint8_t noise[4096];
  size_t made = 0;
  for (size_t i = 0; i < length; i++) {
    made += model_garble(p->out[i], p->rate, host_rate, noise + made, sizeof noise - made);
  }
  if (made > 0 && write(p->fd, noise, made) < 0) return errno == EAGAIN ? (ssize_t)length : -1;
  return (ssize_t)length;
}

/* Of what a terminal holds: what the host has sent and nobody has read. */
static void drop_input(pump *p) {
  p->in_at = p->in_length = 0;
  for (unsigned i = 0; i < 16 && read(p->fd, p->in, sizeof p->in) > 0; i++) continue;
}

static void reach(pump *p) {
  if (p->sent >= p->switch_at) {
    p->switch_at = UINT64_MAX;
    p->rate = p->next_rate;
    drop_input(p);
    p->out_lane = p->in_lane = (lane){pump_now_ns(), 0};
  }
  if (p->sent >= p->restart_at) {
    p->restart_at = UINT64_MAX;
    p->device.restart(p->device.context);
  }
}

static int transmit(pump *p, int64_t now_ns) {
  uint32_t host_rate;
  move_output(p, now_ns);
  if (p->moved > 0) {
    ssize_t length = is_garbled(p, &host_rate) ? write_garbled(p, p->moved, host_rate) : write(p->fd, p->out, p->moved);
    if (length < 0) return errno == EAGAIN || errno == EINTR || errno == EIO ? 0 : errno;
    p->out_length -= (size_t)length;
    p->moved -= (size_t)length;
    p->sent += (size_t)length;
    memmove(p->out, p->out + length, p->out_length);
    /* A host that does not read stops the line: the time is lost, not saved up. */
    if (p->moved > 0) p->out_ready_ns = now_ns;
  }
  reach(p);
  move_output(p, now_ns);
  return 0;
}

static int64_t sooner(int64_t wait_ns, int64_t other_ns) {
  if (other_ns < 0) other_ns = 0;
  return wait_ns < 0 || other_ns < wait_ns ? other_ns : wait_ns;
}

/* What is waited for: the host's bytes, room for ours, packets under way, and the device's own time. */
static int wait_for_more(pump *p, struct pollfd fds[2], uint64_t device_us) {
  int64_t now_ns = pump_now_ns(), wait_ns = -1;
  bool hungry = p->in_at == p->in_length;
  int64_t in_due_ns = p->paced ? lane_due_ns(&p->in_lane, p->rate) : 0;
  fds[1].events = 0;
  if (hungry) fds[1].events |= POLLIN;
  if (p->moved > 0) fds[1].events |= POLLOUT;
  if (!hungry && may_feed(p)) wait_ns = sooner(wait_ns, in_due_ns - now_ns);
  if (p->on_wire > 0) wait_ns = sooner(wait_ns, lane_due_ns(&p->out_lane, p->rate) - now_ns);
  if (device_us < (uint64_t)INT64_MAX / 1000u) wait_ns = sooner(wait_ns, (int64_t)device_us * 1000);
  struct timespec wait = {(time_t)(wait_ns / second_ns), (long)(wait_ns % second_ns)};
  if (ppoll(fds, 2, wait_ns < 0 ? NULL : &wait, NULL) < 0) {
    fds[0].revents = fds[1].revents = 0;
    return errno == EINTR ? 0 : errno;
  }
  return 0;
}

static bool take_signal(const pump *p, int signal_fd) {
  struct signalfd_siginfo info;
  if (read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info) return true;
  return p->device.signal(p->device.context, info.ssi_signo);
}

/* Everything that is due by now. Returns 0 or errno, and when the device wants to be called again. */
static int step(pump *p, bool readable, uint64_t *device_us) {
  int problem = 0;
  do {
    int64_t now_ns = pump_now_ns();
    if (readable && p->in_at == p->in_length) problem = receive(p, now_ns);
    if (!p->paced || lane_due_ns(&p->in_lane, p->rate) <= now_ns) feed_device(p);
    *device_us = p->device.poll(p->device.context);
    if (problem == 0) problem = transmit(p, now_ns);
    /* A flood is read on without asking: the time it came in late is made up for. */
    readable = p->paced && p->in_flood && p->in_at == p->in_length;
  } while (problem == 0 && readable);
  return problem;
}

int pump_run(pump *p, int signal_fd) {
  struct pollfd fds[2] = {{signal_fd, POLLIN, 0}, {p->fd, 0, 0}};
  uint64_t device_us = 0;
  for (;;) {
    int problem = wait_for_more(p, fds, device_us);
    if (problem != 0) return problem;
    if ((fds[0].revents & POLLIN) != 0 && !take_signal(p, signal_fd)) return 0;
    problem = step(p, (fds[1].revents & POLLIN) != 0, &device_us);
    if (problem != 0) return problem;
  }
}
