#include "cli/output.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/unique_fd.h"

namespace memspike::cli {
namespace {

// Command lines in a report may hold secrets. What is there keeps its mode.
constexpr mode_t kMode = 0600;

// Hidden, and with another ending: collectors of "*.prom" pass it over.
std::string temporary_for(const std::string& file) {
  const std::filesystem::path path(file);
  const std::string name = fmt::format(".{}.{}.tmp", path.filename().string(), ::getpid());
  return (path.parent_path() / name).string();
}

// As /tmp: what is found there may be a trap.
bool others_may_write_in_directory_of(const std::string& file) {
  std::filesystem::path directory = std::filesystem::path(file).parent_path();
  if (directory.empty()) directory = ".";
  struct stat status {};
  return ::stat(directory.c_str(), &status) == 0 && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

// A link there leads where somebody else likes, and somebody else's file would get the report to keep.
Result<void> check_not_a_trap(const std::string& file) {
  struct stat status {};
  if (!others_may_write_in_directory_of(file) || ::lstat(file.c_str(), &status) != 0) return {};
  const char* advice = "name a file in a directory that only you may write to";
  if (S_ISLNK(status.st_mode)) {
    return fail(
        ErrorKind::failed,
        fmt::format("will not write through {}: a link in a directory that others may write to", file),
        advice);
  }
  if (status.st_uid == ::geteuid()) return {};
  return fail(
      ErrorKind::failed,
      fmt::format("will not write to {}: it belongs to another user, in a directory that others may write to",
                  file),
      advice);
}

// A name that is new to its directory outlives a power cut, too. Some file systems have no such thing.
void sync_directory_of(const std::string& file) {
  const std::filesystem::path directory = std::filesystem::path(file).parent_path();
  const UniqueFd fd(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) ::fsync(fd.get());
}

bool may_be_replaced(const std::string& file) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0) return errno == ENOENT;
  return S_ISREG(status.st_mode) && status.st_nlink == 1;
}

// A temporary file that will look like the file that it is for, as far as we may.
int create_temporary(const std::string& temporary, const std::string& file) {
  ::unlink(temporary.c_str());  // of a process with the same id that was killed
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  struct stat status {};
  if (fd < 0 || ::stat(file.c_str(), &status) != 0) return fd;
  constexpr mode_t kPermissions = 07777;
  const bool same =
      ::fchown(fd, status.st_uid, status.st_gid) == 0 && ::fchmod(fd, status.st_mode & kPermissions) == 0;
  if (same) return fd;
  ::close(fd);
  ::unlink(temporary.c_str());
  return -1;
}

}  // namespace

Result<Output> Output::open(const std::optional<std::string>& file, int default_fd, Mode mode) {
  if (!file || *file == "-")
    return Output(default_fd, false, default_fd == STDERR_FILENO ? "stderr" : "stdout");
  if (auto safe = check_not_a_trap(*file); !safe) return tl::unexpected(safe.error());
  const bool writable = ::access(file->c_str(), W_OK) == 0 || errno == ENOENT;
  if (mode == Mode::whole && writable && may_be_replaced(*file)) {
    // Tried now, made when there is something to write: a recording that is killed leaves nothing behind.
    Output output(-1, true, *file);
    output.temporary_ = temporary_for(*file);
    const int fd = create_temporary(output.temporary_, *file);
    if (fd >= 0) {
      ::close(fd);
      ::unlink(output.temporary_.c_str());
      return output;
    }
  }
  // A link that is put there between the look and this is not followed either.
  const int links = others_may_write_in_directory_of(*file) ? O_NOFOLLOW : 0;
  const int fd = ::open(file->c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | links, kMode);
  if (fd < 0) return fail(ErrorKind::failed, fmt::format("cannot open {}: {}", *file, std::strerror(errno)));
  sync_directory_of(*file);
  return Output(fd, true, *file);
}

bool Output::has_reader() const {
  struct stat status {};
  return fd_ >= 0 && ::fstat(fd_, &status) == 0 && !S_ISREG(status.st_mode);
}

Output::Output(Output&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      owned_(std::exchange(other.owned_, false)),
      name_(std::move(other.name_)),
      temporary_(std::exchange(other.temporary_, {})) {}

Output& Output::operator=(Output&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(owned_, other.owned_);
  std::swap(name_, other.name_);
  std::swap(temporary_, other.temporary_);
  return *this;
}

Output::~Output() {
  if (!owned_ || fd_ < 0) return;
  ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> Output::failure() const {
  return fail(ErrorKind::failed, fmt::format("cannot write to {}: {}", name_, std::strerror(errno)));
}

Result<void> Output::write(std::string_view text) {
  if (fd_ < 0 && !temporary_.empty()) {
    fd_ = create_temporary(temporary_, name_);
    if (fd_ < 0) return failure();
  }
  while (!text.empty()) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return failure();
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> Output::sync() {
  if (fd_ < 0 || ::fdatasync(fd_) == 0) return {};
  const bool has_no_disk = errno == EINVAL || errno == EROFS || errno == ENOTSUP;
  return has_no_disk ? Result<void>{} : failure();
}

Result<void> Output::put_in_place() {
  if (::rename(temporary_.c_str(), name_.c_str()) == 0) {
    sync_directory_of(name_);
    return {};
  }
  // A file that is mounted by itself, as containers have them, cannot be replaced.
  std::error_code error;
  std::filesystem::copy_file(temporary_, name_, std::filesystem::copy_options::overwrite_existing, error);
  ::unlink(temporary_.c_str());
  errno = error.value();
  return error ? failure() : Result<void>{};
}

Result<void> Output::close() {
  if (!owned_ || fd_ < 0) return {};
  const int fd = std::exchange(fd_, -1);
  // Only what is on the disk may take the place of what is there.
  const bool is_safe = temporary_.empty() || ::fsync(fd) == 0;
  const int error = is_safe ? 0 : errno;
  const bool is_closed = ::close(fd) == 0;
  if (is_safe && is_closed) return temporary_.empty() ? Result<void>{} : put_in_place();
  if (error != 0) errno = error;
  auto failed = failure();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  return failed;
}

}  // namespace memspike::cli
