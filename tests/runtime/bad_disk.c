/*
 * Linked before the C library: a disk that says what it was asked to keep, and fails when it is told to.
 *
 * BAD_DISK_LOG: a file that gets a line for each call, "fdatasync PATH" or "fsync PATH".
 * BAD_DISK_EIO_AFTER: so many calls of fdatasync succeed; those that follow are EIO.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int log_fd = -1;
static int left = INT_MAX;

/* Before memspike gives up the right to open files for writing. */
__attribute__((constructor)) static void set_up(void) {
  const char* log = getenv("BAD_DISK_LOG");
  const char* after = getenv("BAD_DISK_EIO_AFTER");

  if (log) log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (after) left = atoi(after);
}

static void note(const char* call, int fd) {
  char link[64], path[PATH_MAX] = "", line[PATH_MAX + 64];
  int length;

  if (log_fd < 0) return;
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  if (readlink(link, path, sizeof(path) - 1) < 0) return;
  length = snprintf(line, sizeof(line), "%s %s\n", call, path);
  if (write(log_fd, line, (size_t)length) != length) abort();
}

int fdatasync(int fd) {
  note("fdatasync", fd);
  if (left-- > 0) return (int)syscall(SYS_fdatasync, fd);
  errno = EIO;
  return -1;
}

int fsync(int fd) {
  note("fsync", fd);
  return (int)syscall(SYS_fsync, fd);
}
