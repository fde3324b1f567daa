/*
 * A disk that fills up, tears a write, or loses its power: put between a process and libc by LD_PRELOAD, for files below
 * one folder only. Tests only.
 *
 *   POWER_DIR=/folder          whose files are meant; nothing is done to others
 *   POWER_MODE=count           nothing happens
 *   POWER_MODE=enospc@N        operation N fails with ENOSPC; enospc@N+: all from N on; enospc@FILE: all while FILE is there
 *   POWER_MODE=kill@N          the process is killed before operation N
 *   POWER_MODE=torn@N          operation N writes half of its bytes, then the process is killed
 *   POWER_COUNT=/file          how many operations there were, written at the end; of all processes the last one's
 *   POWER_LOG=/file            every operation with its bytes, in order, and what goes to standard output among them
 *
 * Operations, counted from 1 over all threads: write, truncate, create, make a folder, rename, remove, sync. A disk that is
 * full refuses the first four and rename.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096

enum mode { COUNT, ENOSPC_AT, KILL_AT, TORN_AT };

static char dir[PATH_MAX];
static size_t dir_length;
static enum mode mode = COUNT;
static long at, onward;
static char switch_file[PATH_MAX];
static int log_fd = -1;
static atomic_long operations;
static atomic_flag logging = ATOMIC_FLAG_INIT;
/* Paths of the open files that are meant, relative to the folder; NULL for all others. */
static _Atomic(char *) names[FDS];

#define REAL(result, name, ...) \
  static result (*real_##name)(__VA_ARGS__); \
  if (!real_##name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("POWER_DIR");
  if (folder && realpath(folder, dir)) dir_length = strlen(dir);
  const char *text = getenv("POWER_MODE");
  const char *number = text ? strchr(text, '@') : NULL;
  if (number) {
    mode = !strncmp(text, "enospc", 6) ? ENOSPC_AT : !strncmp(text, "kill", 4) ? KILL_AT : TORN_AT;
    char *end;
    at = strtol(number + 1, &end, 10);
    onward = *end == '+';
    if (number[1] == '/') snprintf(switch_file, sizeof switch_file, "%s", number + 1);
  }
  const char *log = getenv("POWER_LOG");
  if (log) log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((destructor)) static void end(void) {
  const char *count = getenv("POWER_COUNT");
  if (!count || !dir_length) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, count, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  char text[32];
  int length = snprintf(text, sizeof text, "%ld\n", atomic_load(&operations));
  if (fd < 0) return;
  syscall(SYS_write, fd, text, (size_t)length);
  syscall(SYS_close, fd);
}

/* The path below the folder that is meant; NULL for every other. */
static const char *below(int at_fd, const char *path, char *absolute) {
  if (!dir_length || !path) return NULL;
  if (path[0] == '/') {
    if (snprintf(absolute, PATH_MAX, "%s", path) >= PATH_MAX) return NULL;
  } else {
    char base[PATH_MAX];
    if (at_fd == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return NULL;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", at_fd);
      ssize_t length = readlink(link, base, sizeof base - 1);
      if (length < 0) return NULL;
      base[length] = 0;
    }
    if (snprintf(absolute, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return NULL;
  }
  if (strncmp(absolute, dir, dir_length) || (absolute[dir_length] && absolute[dir_length] != '/')) return NULL;
  return absolute[dir_length] ? absolute + dir_length + 1 : absolute + dir_length;
}

static char *name_of(int fd) { return fd >= 0 && fd < FDS ? atomic_load(&names[fd]) : NULL; }

/* Names are never freed: another thread may be reading one. They are few, and tests are short. */
static void remember(int fd, const char *name) {
  if (fd >= 0 && fd < FDS) atomic_store(&names[fd], name ? strdup(name) : NULL);
}

static void put(const void *bytes, size_t length) {
  while (length > 0) {
    ssize_t done = syscall(SYS_write, log_fd, bytes, length);
    if (done <= 0) return;
    bytes = (const char *)bytes + done;
    length -= (size_t)done;
  }
}

/* One line, and then the bytes: KIND offset-or-size length path[ -> path]. */
static void note(char kind, const char *name, const char *to, long long offset, const struct iovec *parts, int count) {
  if (log_fd < 0) return;
  size_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  char line[2 * PATH_MAX + 64];
  int size = snprintf(line, sizeof line, "%c %lld %zu %s%s%s\n", kind, offset, length, name, to ? "\t" : "", to ? to : "");
  while (atomic_flag_test_and_set(&logging)) {}
  put(line, (size_t)size);
  for (int i = 0; i < count; i++) put(parts[i].iov_base, parts[i].iov_len);
  atomic_flag_clear(&logging);
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

enum verdict { GO, FULL, TEAR };

/* Counts one operation, and says what becomes of it. */
static enum verdict next(int takes_room) {
  long number = atomic_fetch_add(&operations, 1) + 1;
  if (mode == COUNT) return GO;
  if (mode == ENOSPC_AT) {
    if (!takes_room) return GO;
    if (switch_file[0]) return syscall(SYS_faccessat, AT_FDCWD, switch_file, F_OK) == 0 ? FULL : GO;
    return number == at || (onward && number > at) ? FULL : GO;
  }
  if (number != at) return GO;
  if (mode == TORN_AT) return TEAR;
  die();
  return GO;
}

static int full(void) {
  errno = ENOSPC;
  return -1;
}

/* What is not written in parts cannot be torn: the power goes before it. */
#define GATE(takes_room) \
  do { \
    enum verdict gate = next(takes_room); \
    if (gate == FULL) return full(); \
    if (gate == TEAR) die(); \
  } while (0)

static int opened(int at_fd, const char *path, int flags, mode_t rights) {
  REAL(int, openat, int, const char *, int, ...);
  char absolute[PATH_MAX];
  const char *name = below(at_fd, path, absolute);
  if (!name) {
    int fd = real_openat(at_fd, path, flags, rights);
    remember(fd, NULL);
    return fd;
  }
  struct stat found;
  int there = fstatat(at_fd, path, &found, 0) == 0;
  int creates = (flags & O_CREAT) && !there;
  int cuts = (flags & O_TRUNC) && there && found.st_size > 0;
  if (creates) GATE(1);
  if (cuts) GATE(0);
  int fd = real_openat(at_fd, path, flags, rights);
  if (fd < 0) return fd;
  remember(fd, name);
  if (creates) note('C', name, NULL, 0, NULL, 0);
  if (cuts) note('T', name, NULL, 0, NULL, 0);
  return fd;
}

static mode_t rights_of(int flags, va_list rest) {
  return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t rights = rights_of(flags, rest); \
    va_end(rest); \
    return opened(AT_FDCWD, path, flags, rights); \
  }
#define OPENAT(name) \
  int name(int at_fd, const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t rights = rights_of(flags, rest); \
    va_end(rest); \
    return opened(at_fd, path, flags, rights); \
  }
OPEN(open)
OPEN(open64)

/* `opened` calls libc's own openat by its symbol, so this one may stand under the same name. */
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  REAL(int, close, int);
  remember(fd, NULL);
  return real_close(fd);
}

/* @param offset -1 where the file's own is meant */
static ssize_t written(int fd, const struct iovec *parts, int count, off_t offset) {
  char *name = name_of(fd);
  if (!name) {
    if (fd == STDOUT_FILENO) note('M', "", NULL, 0, parts, count);
    return offset < 0 ? syscall(SYS_writev, fd, parts, count) : syscall(SYS_pwritev, fd, parts, count, offset, 0);
  }
  off_t place = offset;
  if (place < 0) {
    struct stat found;
    place = fcntl(fd, F_GETFL) & O_APPEND && fstat(fd, &found) == 0 ? found.st_size : lseek(fd, 0, SEEK_CUR);
  }
  enum verdict verdict = next(1);
  if (verdict == FULL) return full();
  if (verdict == TEAR) {
    size_t half = parts[0].iov_len / 2;
    if (offset < 0) syscall(SYS_write, fd, parts[0].iov_base, half);
    else syscall(SYS_pwrite64, fd, parts[0].iov_base, half, offset);
    die();
  }
  ssize_t done =
      offset < 0 ? syscall(SYS_writev, fd, parts, count) : syscall(SYS_pwritev, fd, parts, count, offset, 0);
  if (done >= 0) note('W', name, NULL, place, parts, count);
  return done;
}

static ssize_t written_one(int fd, const void *bytes, size_t length, off_t offset) {
  struct iovec part = {(void *)bytes, length};
  return written(fd, &part, 1, offset);
}

ssize_t write(int fd, const void *bytes, size_t length) { return written_one(fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return written_one(fd, bytes, length, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return written_one(fd, bytes, length, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return written(fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return written(fd, parts, count, offset); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) { return written(fd, parts, count, offset); }

static int truncated(int fd, off_t length) {
  char *name = name_of(fd);
  if (name) {
    struct stat found;
    GATE(fstat(fd, &found) == 0 && found.st_size < length);
  }
  int result = (int)syscall(SYS_ftruncate, fd, length);
  if (name && result == 0) note('T', name, NULL, length, NULL, 0);
  return result;
}
int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncated(fd, length); }

static int synced(int fd, long call) {
  char *name = name_of(fd);
  if (name) GATE(0);
  int result = (int)syscall(call, fd);
  if (name && result == 0) note('S', name, NULL, 0, NULL, 0);
  return result;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int renamed(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
  char one[PATH_MAX], other[PATH_MAX];
  const char *name = below(from_fd, from, one), *target = below(to_fd, to, other);
  if (name && target) GATE(1);
  int result = (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
  if (name && target && result == 0) note('R', name, target, 0, NULL, 0);
  return result;
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_fd, const char *from, int to_fd, const char *to) { return renamed(from_fd, from, to_fd, to, 0); }

static int removed(int at_fd, const char *path, int flags) {
  char absolute[PATH_MAX];
  const char *name = below(at_fd, path, absolute);
  if (name) GATE(0);
  int result = (int)syscall(SYS_unlinkat, at_fd, path, flags);
  if (name && result == 0) note('U', name, NULL, 0, NULL, 0);
  return result;
}
int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int at_fd, const char *path, int flags) { return removed(at_fd, path, flags); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t rights) {
  char absolute[PATH_MAX];
  const char *name = below(AT_FDCWD, path, absolute);
  if (name) GATE(1);
  int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, rights);
  if (name && result == 0) note('F', name, NULL, 0, NULL, 0);
  return result;
}
