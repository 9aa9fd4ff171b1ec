// Spikes from code of known names: for tests of stacks.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>

#include "commands.h"
#include "memory.h"
#include "output.h"
#include "stacks_c.h"
#include "stacks_counted.h"

#define NOINLINE __attribute__((noinline))

namespace memspike::workload {
namespace {

// Nothing here may become a tail call: a frame would be missing.
void stay() { __asm__ volatile("" ::: "memory"); }

}  // namespace

// A class template in a namespace: its names show whether they are demangled.
template <class Page>
class Cache {
 public:
  NOINLINE void grow(volatile char* data, std::size_t size_bytes) {
    touch_each(data, size_bytes);
    stay();
  }

 private:
  NOINLINE void touch_each(volatile char* data, std::size_t size_bytes) {
    for (std::size_t offset = 0; offset < size_bytes; offset += page_size_bytes()) data[offset] = Page{1};
    stay();
  }
};

namespace {

// A frame, then a byte written to each page; (data, pages, step).
#if defined(__x86_64__)
constexpr std::array<unsigned char, 21> kTouchCode{
    0x55,                    // push %rbp
    0x48, 0x89, 0xe5,        // mov  %rsp,%rbp
    0xc6, 0x07, 0x01,        // movb $1,(%rdi)
    0x48, 0x01, 0xd7,        // add  %rdx,%rdi
    0x48, 0xff, 0xce,        // dec  %rsi
    0x75, 0xf5,              // jne  movb
    0x5d,                    // pop  %rbp
    0xc3,                    // ret
    0xcc, 0xcc, 0xcc, 0xcc,  // int3
};
#elif defined(__aarch64__)
constexpr std::array<std::uint32_t, 9> kTouchCode{
    0xa9bf7bfd,  // stp  x29, x30, [sp, #-16]!
    0x910003fd,  // mov  x29, sp
    0x52800023,  // mov  w3, #1
    0x39000003,  // strb w3, [x0]
    0x8b020000,  // add  x0, x0, x2
    0xf1000421,  // subs x1, x1, #1
    0x54ffffa1,  // b.ne strb
    0xa8c17bfd,  // ldp  x29, x30, [sp], #16
    0xd65f03c0,  // ret
};
#endif

using Touch = void (*)(volatile char* data, std::size_t pages, std::size_t step_bytes);

// As a JIT does it: code in memory that belongs to no file, its name in /tmp/perf-PID.map.
Touch compile() {
  const std::size_t size = page_size_bytes();
  void* code = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) die("mmap of code");
  std::memcpy(code, kTouchCode.data(), sizeof(kTouchCode));
  check(::mprotect(code, size, PROT_READ | PROT_EXEC), "mprotect of code");
  __builtin___clear_cache(static_cast<char*>(code), static_cast<char*>(code) + sizeof(kTouchCode));
  const std::string path = "/tmp/perf-" + std::to_string(::getpid()) + ".map";
  std::FILE* map = std::fopen(path.c_str(), "we");
  if (map == nullptr) die("the perf map");
  std::fprintf(map, "%lx %zx LazyCompile:*jit_touch app.js:7\n", reinterpret_cast<unsigned long>(code),
               sizeof(kTouchCode));
  if (std::fclose(map) != 0) die("the perf map");
  Touch touch = nullptr;
  std::memcpy(&touch, &code, sizeof(touch));
  return touch;
}

NOINLINE void call_compiled(Touch touch, volatile char* data, std::size_t size_bytes) {
  touch(data, size_bytes / page_size_bytes(), page_size_bytes());
  stay();
}

NOINLINE void spike_in(std::string_view language, Touch touch, volatile char* data, std::size_t size_bytes) {
  if (language == "c") c_spike(data, size_bytes, page_size_bytes());
  if (language == "cpp") Cache<char>().grow(data, size_bytes);
  if (language == "jit") call_compiled(touch, data, size_bytes);
  if (language == "nofp") nofp_spike(data, size_bytes, page_size_bytes());
  if (language == "mixed") {
    unsigned long heavy_bytes = 0;
    unsigned long light_bytes = 0;
    mixed_spike(data, size_bytes, &heavy_bytes, &light_bytes);
    say("counted", {{"mixed_heavy", heavy_bytes}, {"mixed_light", light_bytes}});
  }
  stay();
}

}  // namespace

int run_stacks(Options& options) {
  const std::string_view language = options.positional("LANGUAGE");
  constexpr std::array<std::string_view, 6> kLanguages{"c", "cpp", "jit", "nofp", "mixed", "counted"};
  bool known = false;
  for (const std::string_view each : kLanguages) known = known || each == language;
  if (!known) usage_error("LANGUAGE is one of c, cpp, jit, nofp, mixed, counted");
  const Cycle cycle = parse_cycle(options);
  start(options);
  const Touch touch = language == "jit" ? compile() : nullptr;
  for (std::uint64_t i = 0; i < cycle.repeat; ++i) {
    if (language == "counted") {  // has memory of its own
      counted_spike(cycle.size_bytes);
      continue;
    }
    const Mapping mapping(cycle.size_bytes, Mapping::Kind::anon);
    spike_in(language, touch, reinterpret_cast<volatile char*>(mapping.data()), cycle.size_bytes);
    sleep_ns(cycle.hold_ns);
  }
  say("done");
  return 0;
}

}  // namespace memspike::workload
