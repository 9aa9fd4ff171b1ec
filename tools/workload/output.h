// What the workload says: one line an event, "NAME t_ns=… key=value …", written at once and without
// touching the heap, so that saying something does not move the memory that is being measured.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace memspike::workload {

// CLOCK_MONOTONIC, the clock of the recordings. ns.
std::uint64_t now_ns();

// At least this long, unless a signal cuts it short.
void sleep_ns(std::uint64_t duration_ns);

struct Field {
  std::string_view name;
  std::uint64_t value;
};

// Writes "NAME t_ns=T key=value…" to stdout in one write(2). T: the clock at the call, or the given one.
void say(std::string_view name, std::initializer_list<Field> fields = {});
void say_at(std::uint64_t time_ns, std::string_view name, std::initializer_list<Field> fields = {});

// Says on stderr what failed, and errno's words, and exits with 1.
[[noreturn]] void die(const char* what);

// `result` of a system call, or die(what) when it is -1.
template <class Integer>
Integer check(Integer result, const char* what) {
  if (result == Integer{-1}) die(what);
  return result;
}

}  // namespace memspike::workload
