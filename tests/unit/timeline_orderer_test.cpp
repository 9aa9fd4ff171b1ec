#include <catch2/catch.hpp>
#include <vector>

#include "timeline/orderer.h"

using namespace memspike;
using timeline::Orderer;

namespace {

// Told apart by its tgid, whatever becomes of its time.
decode::Event sample(std::uint64_t time_ns, std::uint32_t tgid = 0) {
  decode::Sample event;
  event.time_ns = time_ns;
  event.tgid = tgid;
  return event;
}

struct Seen {
  std::vector<std::uint64_t> times;
  std::vector<std::uint32_t> tgids;
  void operator()(const decode::Event& event) {
    times.push_back(decode::time_ns(event));
    if (const auto* s = std::get_if<decode::Sample>(&event)) tgids.push_back(s->tgid);
  }
};

using Times = std::vector<std::uint64_t>;
using Tgids = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("the orderer lets events go in order of time") {
  Orderer orderer(10);
  for (const std::uint64_t time : {30u, 10u, 20u, 40u}) orderer.push(sample(time));
  Seen seen;
  orderer.release(1000, seen);
  CHECK(seen.times == Times{10, 20, 30, 40});
  CHECK(orderer.late() == 0);
}

TEST_CASE("the orderer holds an event back for its time and no longer") {
  Orderer orderer(10);
  orderer.push(sample(100));
  Seen seen;
  orderer.release(109, seen);
  CHECK(seen.times.empty());
  orderer.release(110, seen);
  CHECK(seen.times == Times{100});
  orderer.release(1000, seen);
  CHECK(seen.times.size() == 1);
}

TEST_CASE("flush lets go of everything, in order") {
  Orderer orderer(1'000'000);
  orderer.push(sample(7));
  orderer.push(sample(5));
  Seen seen;
  orderer.flush(seen);
  CHECK(seen.times == Times{5, 7});
  orderer.flush(seen);
  CHECK(seen.times.size() == 2);
}

TEST_CASE("events of one time stay in order of arrival") {
  Orderer orderer(0);
  for (std::uint32_t tgid = 0; tgid < 100; ++tgid) orderer.push(sample(50, tgid));
  orderer.push(sample(49, 100));
  Seen seen;
  orderer.release(50, seen);
  Tgids expected{100};
  for (std::uint32_t tgid = 0; tgid < 100; ++tgid) expected.push_back(tgid);
  CHECK(seen.tgids == expected);
}

TEST_CASE("a late event is counted and sees time stand still") {
  Orderer orderer(10);
  orderer.push(sample(100, 1));
  Seen seen;
  orderer.release(200, seen);
  orderer.push(sample(40, 2));   // late
  orderer.push(sample(100, 3));  // of the very time that was let go: not late
  orderer.push(sample(99, 4));   // late
  orderer.push(sample(150, 5));
  orderer.release(200, seen);
  CHECK(orderer.late() == 2);
  CHECK(seen.times == Times{100, 100, 100, 100, 150});
  CHECK(seen.tgids == Tgids{1, 2, 3, 4, 5});
}

TEST_CASE("every kind of event is clamped") {
  Orderer orderer(0);
  orderer.push(sample(100));
  Seen seen;
  orderer.flush(seen);
  decode::MemcgBorn born;
  decode::MemcgGone gone;
  decode::OomKill kill;
  born.time_ns = gone.time_ns = kill.time_ns = 1;
  orderer.push(born);
  orderer.push(gone);
  orderer.push(kill);
  orderer.flush(seen);
  CHECK(seen.times == Times{100, 100, 100, 100});
  CHECK(orderer.late() == 3);
}

TEST_CASE("a record from the end of time is held back, and makes no other one late") {
  Orderer orderer(10);
  orderer.push(sample(UINT64_MAX, 1));
  orderer.push(sample(50, 2));
  Seen seen;
  orderer.release(5, seen);  // before the first hold_ns of the clock are over
  CHECK(seen.tgids.empty());
  orderer.release(100, seen);
  orderer.push(sample(60, 3));
  orderer.release(100, seen);
  CHECK(seen.tgids == Tgids{2, 3});
  CHECK(orderer.late() == 0);
  orderer.flush(seen);
  CHECK(seen.times == Times{50, 60, UINT64_MAX});
}
