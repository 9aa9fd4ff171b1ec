// Memory without a file: private, huge, shared, the heap, and all of it until the kernel says no.
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "commands.h"
#include "memory.h"
#include "output.h"

namespace memspike::workload {
namespace {

// How a mapping is filled: at once when step_bytes is 0.
struct Stairs {
  std::uint64_t step_bytes = 0;
  std::uint64_t pause_ns = 0;
};

// Grows in stairs, so that a recording shows each tread.
void fill(const Mapping& mapping, const Stairs& stairs) {
  if (stairs.step_bytes == 0) return mapping.touch();
  for (std::uint64_t done = 0; done < mapping.size_bytes();) {
    const std::uint64_t length = std::min<std::uint64_t>(stairs.step_bytes, mapping.size_bytes() - done);
    mapping.touch(done, length);
    done += length;
    say("step", {{"bytes", done}});
    sleep_ns(stairs.pause_ns);
  }
}

int run_cycle(Options& options, Mapping::Kind kind, const Stairs& stairs = {}, bool lazyfree = false) {
  const Cycle cycle = parse_cycle(options);
  start(options);
  for (std::uint64_t round = 0; round < cycle.repeat; ++round) {
    say("fill", {{"round", round}});
    auto mapping = std::make_unique<Mapping>(cycle.size_bytes, kind);
    fill(*mapping, stairs);
    say("filled", {{"bytes", cycle.size_bytes}});
    if (kind == Mapping::Kind::anon_huge) say("huge", {{"bytes", huge_bytes()}});
    if (lazyfree) {
      mapping->offer();
      say("offered");
    }
    sleep_ns(cycle.hold_ns);
    mapping.reset();
    say("released");
    sleep_ns(cycle.pause_ns);
  }
  return 0;
}

}  // namespace

int run_anon(Options& options) {
  Stairs stairs;
  stairs.step_bytes = options.size_bytes("--step", 0);
  stairs.pause_ns = options.duration_ns("--step-pause", 0);
  return run_cycle(options, Mapping::Kind::anon, stairs, options.flag("--lazyfree"));
}

int run_thp(Options& options) { return run_cycle(options, Mapping::Kind::anon_huge); }

int run_shared(Options& options) { return run_cycle(options, Mapping::Kind::shared); }

int run_brk(Options& options) {
  const Cycle cycle = parse_cycle(options);
  start(options);
  // Nothing between the two calls of sbrk may use malloc, which moves the same end: say() does not.
  const auto size_bytes = static_cast<std::intptr_t>(cycle.size_bytes);
  for (std::uint64_t round = 0; round < cycle.repeat; ++round) {
    say("fill", {{"round", round}});
    void* const old_end = ::sbrk(size_bytes);
    if (old_end == reinterpret_cast<void*>(-1)) die("sbrk");
    touch_pages(static_cast<std::byte*>(old_end), cycle.size_bytes);
    say("filled", {{"bytes", cycle.size_bytes}});
    sleep_ns(cycle.hold_ns);
    if (::sbrk(-size_bytes) == reinterpret_cast<void*>(-1)) die("sbrk");
    say("released");
    sleep_ns(cycle.pause_ns);
  }
  return 0;
}

int run_oom(Options& options) {
  const std::uint64_t max_bytes = options.size_bytes("--max", std::uint64_t{1} << 30);
  const std::uint64_t step_bytes = options.size_bytes("--step", std::uint64_t{4} << 20);
  if (max_bytes == 0 || step_bytes == 0) usage_error("--max and --step must not be 0");
  start(options);
  const Mapping mapping(max_bytes, Mapping::Kind::anon);
  fill(mapping, {step_bytes, 0});
  say("survived", {{"bytes", max_bytes}});
  return 1;
}

}  // namespace memspike::workload
