// What programs do all day: a heap that is used, and a service that waits for requests.
#include <array>
#include <memory>

#include "commands.h"
#include "memory.h"
#include "output.h"

namespace memspike::workload {
namespace {

// xorshift64: the same sizes in the same order on every run.
class Random {
 public:
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

// 64 bytes to 1 MiB, each power of two as often as any other.
std::size_t some_size_bytes(Random& random) {
  const std::uint64_t base = std::uint64_t{64} << (random.next() % 14);
  return base + random.next() % base;
}

// Frees an object or makes one, as its place asks, and touches what it made.
class Heap {
 public:
  void step() {
    std::unique_ptr<std::byte[]>& object = objects_[random_.next() % objects_.size()];
    if (object) {
      object.reset();
      return;
    }
    const std::size_t size_bytes = some_size_bytes(random_);
    object.reset(new std::byte[size_bytes]);
    touch_pages(object.get(), size_bytes);
  }

 private:
  Random random_;
  std::array<std::unique_ptr<std::byte[]>, 512> objects_;
};

}  // namespace

int run_heap(Options& options) {
  const std::uint64_t steps = parse_count(options.positional("N"));
  start(options);
  Heap heap;
  const std::uint64_t begin_ns = now_ns();
  for (std::uint64_t i = 0; i < steps; ++i) heap.step();
  say("heap", {{"steps", steps}, {"elapsed_ns", now_ns() - begin_ns}});
  return 0;
}

int run_service(Options& options) {
  const std::uint64_t requests = parse_count(options.positional("N"));
  const std::uint64_t pause_ns = options.duration_ns("--pause", 10 * kNsPerMs);
  const std::uint64_t request_bytes = options.size_bytes("--request", std::uint64_t{256} << 10);
  if (request_bytes == 0) usage_error("--request must not be 0");
  start(options);
  const Mapping mapping(request_bytes, Mapping::Kind::anon);
  const std::uint64_t begin_ns = now_ns();
  for (std::uint64_t i = 0; i < requests; ++i) {
    sleep_ns(pause_ns);
    mapping.touch();
    mapping.release();
  }
  say("service", {{"requests", requests}, {"elapsed_ns", now_ns() - begin_ns}});
  return 0;
}

}  // namespace memspike::workload
