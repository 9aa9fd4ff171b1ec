// Processes that want to harm whoever looks at them.
#pragma once

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>

#include "harness.h"

namespace memspike::test {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A process in the cgroup that does what it is told until it is killed.
class Attacker {
 public:
  Attacker(const Cgroup& cgroup, const std::function<void()>& attack) {
    const fs::path procs = cgroup.dir() / "cgroup.procs";
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    write_file(procs, std::to_string(getpid()));
    attack();
    _exit(0);
  }
  ~Attacker() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// Charges and gives back, so that stacks are taken all the time.
[[noreturn]] inline void charge_for_ever(std::size_t bytes) {
  for (;;) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) _exit(1);
    std::memset(memory, 1, bytes);
    munmap(memory, bytes);
  }
}

// Every second page may be executed: neighbours cannot be merged into one mapping.
inline void map_very_much(int count) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t bytes = page * 2 * static_cast<std::size_t>(count);
  auto* memory = static_cast<char*>(mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) _exit(1);
  for (int i = 0; i < count; ++i) {
    mprotect(memory + page * 2 * static_cast<std::size_t>(i), page, PROT_READ | PROT_EXEC);
  }
}

// Code in another place each time: what was read of the mappings is old.
[[noreturn]] inline void run_new_code_for_ever() {
  constexpr std::size_t kBytes = 1U << 20;
  constexpr unsigned char kTouch[] = {
#if defined(__x86_64__)
    0xc6,
    0x07,
    0x01,  // movb $1, (%rdi)
    0x48,
    0x81,
    0xc7,
    0x00,
    0x10,
    0x00,
    0x00,  // add $4096, %rdi
    0xff,
    0xce,  // dec %esi
    0x75,
    0xf2,  // jnz to the beginning
    0xc3   // ret
#else
    0x21,
    0x00,
    0x80,
    0x52,  // … of arm64: mov w1, #1
    0xc0,
    0x03,
    0x5f,
    0xd6  // ret: it touches nothing
#endif
  };
  for (;;) {
    auto* code = static_cast<char*>(
        mmap(nullptr, 1U << 16, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    auto* memory =
        static_cast<char*>(mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (code == MAP_FAILED || memory == MAP_FAILED) _exit(1);
    std::memcpy(code, kTouch, sizeof(kTouch));
    __builtin___clear_cache(code, code + sizeof(kTouch));
    reinterpret_cast<void (*)(char*, unsigned)>(code)(memory, kBytes / 4096);
    munmap(memory, kBytes);
    munmap(code, 1U << 16);
  }
}

// Processes that are gone before anybody can look at them.
[[noreturn]] inline void fork_for_ever() {
  constexpr std::size_t kBytes = 1U << 20;
  for (;;) {
    const pid_t child = fork();
    if (child == 0) {
      void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory != MAP_FAILED) std::memset(memory, 1, kBytes);
      _exit(0);
    }
    if (child > 0) waitpid(child, nullptr, 0);
  }
}

// Code of its own, from no file: somebody will look for a perf map.
inline void map_anonymous_code() {
  mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

}  // namespace memspike::test
