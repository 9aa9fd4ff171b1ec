// Memory that belongs to files: tmpfs (charged as shmem) and the page cache.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "commands.h"
#include "output.h"

namespace memspike::workload {
namespace {

using Block = std::array<char, 64 * 1024>;

// A file that is deleted with its owner, unless it is to be kept.
class File {
 public:
  File(int fd, std::string path, bool keep)
      : fd_(check(fd, path.c_str())), path_(std::move(path)), keep_(keep) {}
  ~File() {
    if (!keep_) ::unlink(path_.c_str());
    ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }

 private:
  int fd_;
  std::string path_;
  bool keep_;
};

void write_bytes(int fd, std::uint64_t size_bytes) {
  static const Block kZeros{};
  for (std::uint64_t left = size_bytes; left > 0;) {
    const ssize_t count = ::write(fd, kZeros.data(), std::min<std::uint64_t>(left, kZeros.size()));
    if (count < 0 && errno == EINTR) continue;
    left -= static_cast<std::uint64_t>(check(count, "cannot write the file"));
  }
}

void read_all(int fd) {
  static Block block;
  off_t offset = 0;
  ssize_t count = 0;
  while ((count = ::pread(fd, block.data(), block.size(), offset)) != 0) {
    if (count < 0 && errno == EINTR) continue;
    offset += check(count, "cannot read the file");
  }
}

void drop_from_cache(int fd) {
  errno = ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  if (errno != 0) die("posix_fadvise");
}

}  // namespace

int run_tmpfs(Options& options) {
  const Cycle cycle = parse_cycle(options);
  const std::string directory(options.text("--dir").value_or("/dev/shm"));
  const bool keep = options.flag("--keep");
  start(options);
  for (std::uint64_t round = 0; round < cycle.repeat; ++round) {
    std::string path = directory + "/memspike-workload.XXXXXX";
    const int fd = ::mkostemp(path.data(), O_CLOEXEC);
    {
      const File file(fd, path, keep);
      say("fill", {{"round", round}});
      write_bytes(file.fd(), cycle.size_bytes);
      say("filled", {{"bytes", cycle.size_bytes}});
      sleep_ns(cycle.hold_ns);
    }
    say(keep ? "kept" : "released");
    sleep_ns(cycle.pause_ns);
  }
  return 0;
}

int run_pagecache(Options& options) {
  const Cycle cycle = parse_cycle(options);
  const auto path = options.text("--file");
  const bool keep = options.flag("--keep");
  if (!path) usage_error("pagecache needs --file PATH");
  start(options);
  for (std::uint64_t round = 0; round < cycle.repeat; ++round) {
    const std::string name(*path);
    const File file(::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), name, keep);
    say("fill", {{"round", round}});
    write_bytes(file.fd(), cycle.size_bytes);
    say("filled", {{"bytes", cycle.size_bytes}});
    // Dirty pages cannot be dropped: the next line would quietly do nothing.
    check(::fsync(file.fd()), "fsync");
    read_all(file.fd());
    sleep_ns(cycle.hold_ns);
    drop_from_cache(file.fd());
    say("released");
    sleep_ns(cycle.pause_ns);
  }
  return 0;
}

}  // namespace memspike::workload
