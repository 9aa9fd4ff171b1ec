// A workload that knows when its memory cgroup's counter moved: after every step it reads the counter, so
// that a recording's timestamps can be held against the clock of the one who caused them.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>

#include "commands.h"
#include "memory.h"
#include "output.h"

namespace memspike::workload {
namespace {

// memory.current or memory.usage_in_bytes, kept open: opening it anew would itself charge memory.
class UsageFile {
 public:
  explicit UsageFile(const std::string& path)
      : fd_(check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.c_str())) {}
  ~UsageFile() { ::close(fd_); }
  UsageFile(const UsageFile&) = delete;
  UsageFile& operator=(const UsageFile&) = delete;

  std::uint64_t read_bytes() const {
    std::array<char, 32> text{};
    const ssize_t length = check(::pread(fd_, text.data(), text.size(), 0), "cannot read the usage file");
    std::uint64_t usage_bytes = 0;
    const auto result = std::from_chars(text.data(), text.data() + length, usage_bytes);
    if (result.ec != std::errc{}) {
      errno = EINVAL;
      die("the usage file does not hold a number");
    }
    return usage_bytes;
  }

 private:
  int fd_;
};

// When something happened in the kernel: after the first and before the second reading of the clock.
struct Moment {
  std::uint64_t after_ns = 0;
  std::uint64_t before_ns = 0;
};

// Does one step and looks at the counter after it.
template <class Step>
std::uint64_t watch(const UsageFile& usage, Moment& moment, Step step) {
  moment.after_ns = now_ns();
  step();
  moment.before_ns = now_ns();
  return usage.read_bytes();
}

struct Burst {
  std::uint64_t floor_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t settled_bytes = 0;
  Moment onset, peak, settle;
};

void rise(const UsageFile& usage, const Mapping& mapping, Burst& burst) {
  burst.floor_bytes = burst.peak_bytes = usage.read_bytes();
  for (std::uint64_t offset = 0; offset < mapping.size_bytes(); offset += page_size_bytes()) {
    Moment moment;
    const std::uint64_t now_bytes = watch(usage, moment, [&] { mapping.touch(offset, 1); });
    if (now_bytes <= burst.peak_bytes) continue;
    if (burst.onset.before_ns == 0) burst.onset = moment;
    burst.peak = moment;
    burst.peak_bytes = now_bytes;
  }
}

// Page by page too: a longer step would date its fall less exactly.
void fall(const UsageFile& usage, const Mapping& mapping, Burst& burst) {
  burst.settled_bytes = usage.read_bytes();
  for (std::uint64_t offset = 0; offset < mapping.size_bytes(); offset += page_size_bytes()) {
    Moment moment;
    const std::uint64_t now_bytes = watch(usage, moment, [&] { mapping.release(offset, 1); });
    if (now_bytes < burst.settled_bytes) burst.settle = moment;
    burst.settled_bytes = now_bytes;
  }
}

void report(std::uint64_t index, const Burst& burst) {
  say("clock", {{"burst", index},
                {"floor_bytes", burst.floor_bytes},
                {"peak_bytes", burst.peak_bytes},
                {"settled_bytes", burst.settled_bytes},
                {"onset_after_ns", burst.onset.after_ns},
                {"onset_ns", burst.onset.before_ns},
                {"peak_after_ns", burst.peak.after_ns},
                {"peak_ns", burst.peak.before_ns},
                {"settle_after_ns", burst.settle.after_ns},
                {"settle_ns", burst.settle.before_ns}});
}

}  // namespace

int run_clock(Options& options) {
  const std::uint64_t size_bytes = parse_size_bytes(options.positional("SIZE"));
  const std::uint64_t bursts = parse_count(options.positional("N"));
  const auto path = options.text("--cgroup-usage-file");
  const std::uint64_t pause_ns = options.duration_ns("--pause", 20 * kNsPerMs);
  if (!path) usage_error("clock needs --cgroup-usage-file PATH");
  if (size_bytes == 0) usage_error("SIZE must not be 0");
  start(options);
  const UsageFile usage{std::string(*path)};
  usage.read_bytes();  // the first read makes the file's buffer, which is charged too
  for (std::uint64_t index = 0; index < bursts; ++index) {
    const Mapping mapping(size_bytes, Mapping::Kind::anon);
    sleep_ns(pause_ns);
    Burst burst;
    rise(usage, mapping, burst);
    sleep_ns(pause_ns);
    fall(usage, mapping, burst);
    if (burst.onset.before_ns == 0 || burst.settle.before_ns == 0) {
      errno = ESRCH;
      die("the usage file did not move: is this process in that cgroup?");
    }
    report(index, burst);
  }
  return 0;
}

}  // namespace memspike::workload
