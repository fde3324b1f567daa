#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE /* cfmakeraw */

#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static bool make_raw(int fd, bool uart) {
  struct termios settings;
  if (tcgetattr(fd, &settings) != 0) return false;
  cfmakeraw(&settings);
  /* So that a terminal opened without asking for a rate has the device's. */
  if (uart && cfsetspeed(&settings, B115200) != 0) return false;
  return tcsetattr(fd, TCSANOW, &settings) == 0;
}

bool model_pty_open(model_pty *pty, bool uart) {
  const char *name;
  size_t length;
  pty->slave = -1;
  pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (pty->master < 0 || grantpt(pty->master) != 0 || unlockpt(pty->master) != 0) return false;
  name = ptsname(pty->master);
  if (name == NULL) return false;
  length = strlen(name);
  if (length >= sizeof pty->path) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(pty->path, name, length + 1u);
  pty->slave = open(pty->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  return pty->slave >= 0 && make_raw(pty->slave, uart);
}

bool model_pty_link(const model_pty *pty, const char *link) {
  char temporary[4096]; /* as long as Linux lets a path be */
  int length = snprintf(temporary, sizeof temporary, "%s.%ld", link, (long)getpid());
  if (length < 0 || (size_t)length >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return false;
  }
  if (unlink(temporary) != 0 && errno != ENOENT) return false;
  if (symlink(pty->path, temporary) != 0) return false;
  if (rename(temporary, link) == 0) return true;
  int reason = errno;
  (void)unlink(temporary);
  errno = reason;
  return false;
}

void model_pty_unlink(const model_pty *pty, const char *link) {
  char target[sizeof pty->path];
  ssize_t length = readlink(link, target, sizeof target);
  if (length < 0 || (size_t)length != strlen(pty->path)) return;
  if (memcmp(target, pty->path, (size_t)length) == 0) (void)unlink(link);
}
