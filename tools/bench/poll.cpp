// memspike-bench-poll FILE PERIOD_US: reads a number from a file at every period, as one does without
// BPF, until it is told to end; then says the largest. Says "ready" after the first.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace {

volatile std::sig_atomic_t told_to_end = 0;

void end(int) { told_to_end = 1; }

std::uint64_t read_number(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  std::uint64_t value = 0;
  if (size > 0) std::from_chars(text.data(), text.data() + size, value);
  return value;
}

timespec after(timespec time, long period_ns) {
  constexpr long kNsPerSecond = 1'000'000'000;
  time.tv_nsec += period_ns;
  time.tv_sec += time.tv_nsec / kNsPerSecond;
  time.tv_nsec %= kNsPerSecond;
  return time;
}

std::uint64_t poll_until_the_end(int fd, long period_ns) {
  std::uint64_t largest = read_number(fd);
  std::puts("ready");
  std::fflush(stdout);
  timespec next{};
  clock_gettime(CLOCK_MONOTONIC, &next);
  while (told_to_end == 0) {
    next = after(next, period_ns);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
    largest = std::max(largest, read_number(fd));
  }
  return largest;
}

}  // namespace

int main(int argc, char** argv) {
  const long period_us = argc == 3 ? std::strtol(argv[2], nullptr, 10) : 0;
  const int fd = argc == 3 ? ::open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
  if (period_us <= 0 || fd < 0) {
    std::fputs("Usage: memspike-bench-poll FILE PERIOD_US\n", stderr);
    return 2;
  }
  std::signal(SIGINT, end);
  std::signal(SIGTERM, end);
  std::printf("largest=%llu\n", static_cast<unsigned long long>(poll_until_the_end(fd, period_us * 1000)));
  return 0;
}
