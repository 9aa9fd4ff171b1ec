// C++ as people write it, compiled as they ship it: -O2, no frame pointers. Three owners of memory that know
// how much they asked for.
#include "stacks_counted.h"

#include <cstdint>
#include <ctime>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "output.h"

#define NOINLINE __attribute__((noinline))

namespace memspike::workload {
namespace {

// Nothing here may become a tail call: a frame would be missing.
void stay() { __asm__ volatile("" ::: "memory"); }

class Index {
 public:
  NOINLINE void insert(std::size_t size_bytes) {
    entries_.emplace(bytes_, std::string(size_bytes, 'i'));
    bytes_ += size_bytes;
    stay();
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::map<std::uint64_t, std::string> entries_;
  std::uint64_t bytes_ = 0;
};

class Journal {
 public:
  NOINLINE void append(std::size_t size_bytes) {
    lines_.emplace_back(size_bytes, 'j');
    bytes_ += size_bytes;
    stay();
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::list<std::vector<char>> lines_;
  std::uint64_t bytes_ = 0;
};

class Images {
 public:
  NOINLINE void load(std::size_t size_bytes) {
    images_.push_back(std::make_unique<char[]>(size_bytes));
    bytes_ += size_bytes;
    stay();
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::list<std::unique_ptr<char[]>> images_;
  std::uint64_t bytes_ = 0;
};

// No pattern that a sampler may fall in with.
std::uint64_t next_random(std::uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

}  // namespace

void counted_spike(std::uint64_t size_bytes) {
  constexpr std::uint64_t kStep = 1U << 20;
  const timespec pause{0, 2'000'000};  // so slow that a stack may be taken of each rise
  std::uint64_t state = 88'172'645'463'325'252;
  Index index;
  Journal journal;
  Images images;
  for (std::uint64_t done = 0, next_pause = kStep; done < size_bytes;) {
    const std::size_t piece = 1024 + next_random(state) % 16'384;
    const std::uint64_t whose = (state >> 20) % 10;
    if (whose < 5) {
      index.insert(piece);
    } else if (whose < 8) {
      journal.append(piece);
    } else {
      images.load(piece);
    }
    done += piece;
    if (done < next_pause) continue;
    next_pause += kStep;
    ::nanosleep(&pause, nullptr);
  }
  say("counted", {{"Index::insert", index.bytes()},
                  {"Journal::append", journal.bytes()},
                  {"Images::load", images.bytes()}});
}

}  // namespace memspike::workload
