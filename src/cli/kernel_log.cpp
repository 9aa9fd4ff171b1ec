#include "cli/kernel_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace memspike::cli {

KernelLog KernelLog::open_at_end() {
  KernelLog log;
  log.file_ = UniqueFd(open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (log.file_ && lseek(log.file_.get(), 0, SEEK_END) < 0) log.file_ = UniqueFd();
  return log;
}

void KernelLog::drain(const std::function<void(std::string_view record)>& sink) {
  if (!file_) return;
  constexpr std::size_t kRecordBytes = 8192;  // a read that is smaller than its record fails with EINVAL
  std::array<char, kRecordBytes> record{};
  for (;;) {
    const ssize_t size = read(file_.get(), record.data(), record.size());
    // EPIPE: the ring was overwritten meanwhile; the next read goes on with the oldest record.
    if (size < 0 && (errno == EINTR || errno == EPIPE)) continue;
    if (size <= 0) return;
    sink({record.data(), static_cast<std::size_t>(size)});
  }
}

}  // namespace memspike::cli
