#include "output.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace memspike::workload {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

// A line short enough for one write to a pipe to be atomic, even with children writing beside us.
class Line {
 public:
  void add(std::string_view text) {
    const std::size_t length = text.size() < buffer_.size() - used_ ? text.size() : buffer_.size() - used_;
    std::memcpy(buffer_.data() + used_, text.data(), length);
    used_ += length;
  }

  void add(std::uint64_t value) {
    const auto [end, error] = std::to_chars(buffer_.data() + used_, buffer_.data() + buffer_.size(), value);
    if (error == std::errc{}) used_ = static_cast<std::size_t>(end - buffer_.data());
  }

  void write() const {
    std::size_t written = 0;
    while (written < used_) {
      const ssize_t count = ::write(STDOUT_FILENO, buffer_.data() + written, used_ - written);
      if (count < 0 && errno == EINTR) continue;
      written += static_cast<std::size_t>(check(count, "cannot write to stdout"));
    }
  }

 private:
  std::array<char, 512> buffer_;
  std::size_t used_ = 0;
};

}  // namespace

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kNsPerSecond + static_cast<std::uint64_t>(time.tv_nsec);
}

void sleep_ns(std::uint64_t duration_ns) {
  const timespec time{static_cast<std::time_t>(duration_ns / kNsPerSecond),
                      static_cast<long>(duration_ns % kNsPerSecond)};
  ::nanosleep(&time, nullptr);
}

void say(std::string_view name, std::initializer_list<Field> fields) { say_at(now_ns(), name, fields); }

void say_at(std::uint64_t time_ns, std::string_view name, std::initializer_list<Field> fields) {
  Line line;
  line.add(name);
  line.add(" t_ns=");
  line.add(time_ns);
  for (const Field& field : fields) {
    line.add(" ");
    line.add(field.name);
    line.add("=");
    line.add(field.value);
  }
  line.add("\n");
  line.write();
}

void die(const char* what) {
  std::fprintf(stderr, "memspike-workload: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

}  // namespace memspike::workload
