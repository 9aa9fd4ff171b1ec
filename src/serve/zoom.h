// When a service looks closer by itself, at whom and why: a pure rule.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "facts/fact.h"

namespace memspike::serve {

// In the order in which they count.
enum class Trouble { headroom, refused, killed };
std::string_view to_text(Trouble trouble);

// A container in trouble is looked at closer, with all of its pod, until it was in none for a while. One that
// is in trouble all the time (a page cache that stands at its limit) is worth a look for some minutes, then
// it has to wait. The programs are there for all of the node, each page of which costs something then: so has
// the node.
class Zoom {
 public:
  static constexpr std::uint64_t kSecondNs = 1'000'000'000;
  static constexpr std::uint64_t kAfterKillNs = 120 * kSecondNs;  // how long each is a trouble
  static constexpr std::uint64_t kAfterRefusalNs = 30 * kSecondNs;
  static constexpr std::uint64_t kWhileFallingNs = 20 * kSecondNs;
  static constexpr std::uint64_t kLookBackNs = 5 * kSecondNs;  // headroom falls: against what it was then
  static constexpr std::uint64_t kLeastNs = 20 * kSecondNs;    // each way, so that it does not flutter
  static constexpr std::uint64_t kMostNs = 300 * kSecondNs;    // of one container, then it
  static constexpr std::uint64_t kRestNs = 1800 * kSecondNs;   // does not count for so long
  static constexpr std::uint64_t kCreditNs = 900 * kSecondNs;  // of all: that much at most at once,
  static constexpr std::uint64_t kRegain = 4;                  // and a quarter of the time in the long run
  static constexpr std::size_t kMostStates = 4096;

  // `haste`: by how much all of these are divided, for who cannot wait for minutes to see it go out again.
  explicit Zoom(std::uint64_t haste = 1) : haste_(haste) {}

  // A container, and what is looked at with it: its pod, which stays as the container is started again.
  struct Place {
    facts::MemcgIndex memcg = 0;
    facts::MemcgIndex root = 0;
  };

  struct Decision {
    bool is_in = false;               // closer, from now on; else as before
    Place place;                      // the root, and which container it is for
    Trouble why = Trouble::headroom;  // of a decision to go in
    bool is_spent = false;            // out, though it is in trouble still
  };

  void note(const Place& place, Trouble trouble, std::uint64_t time_ns);
  // About once a second, of each that has a limit.
  void sample(const Place& place, std::uint64_t headroom_bytes, std::uint64_t limit_bytes,
              std::uint64_t now_ns);
  // It is gone: what happened to it still counts.
  void end(facts::MemcgIndex memcg);

  // About once a second: what changes.
  std::vector<Decision> decide(std::uint64_t now_ns);
  bool is_in() const { return is_in_; }  // at any

 private:
  struct State {
    facts::MemcgIndex memcg = 0;  // in trouble last
    Trouble why = Trouble::headroom;
    std::uint64_t since_ns = 0;  // in trouble, without a pause
    std::uint64_t until_ns = 0;
    std::uint64_t rests_until_ns = 0;
    std::uint64_t closer_since_ns = 0;  // 0: it is not looked at closer
  };

  // How little a container had, when it was looked at last.
  struct Headroom {
    std::uint64_t looked_ns = 0;
    std::uint64_t bytes = 0;
  };

  static bool is_in_trouble(const State& state, std::uint64_t now_ns) {
    return now_ns < state.until_ns && now_ns >= state.rests_until_ns;
  }
  void let_go(std::uint64_t now_ns, std::vector<Decision>& decisions);
  void take_in(std::uint64_t now_ns, std::vector<Decision>& decisions);
  void pay(std::uint64_t now_ns);
  void tire(std::uint64_t now_ns);
  void forget_calm(std::uint64_t now_ns);

  std::uint64_t haste_;
  std::map<facts::MemcgIndex, State> states_;  // by root
  std::map<facts::MemcgIndex, Headroom> little_;
  bool is_in_ = false;
  std::uint64_t since_ns_ = 0;
  std::uint64_t paid_ns_ = 0;
  std::uint64_t credit_ns_ = kCreditNs / haste_;
};

}  // namespace memspike::serve
