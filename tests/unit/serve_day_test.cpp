// Hours of a node, faster than time: the kernel's events through the interpreter into the service.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <ctime>
#include <deque>
#include <string>

#include "capture/interpreter.h"
#include "heap.h"
#include "lives_events.h"
#include "recording_facts.h"
#include "serve/service.h"

using namespace memspike;
using namespace memspike::events;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kContainers = 100;
constexpr std::uint64_t kBetweenLooks = 10;  // seconds
constexpr std::uint64_t kLimitBytes = 64 * events::kMiB;

std::uint64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

facts::Description container_of(const std::string& path) {
  if (path == "/pods") return {};
  facts::Description description;
  description.role = facts::Role::container;
  description.container = facts::Container{path.substr(6), "app"};
  description.pod = facts::PodId{"uid" + path.substr(6), "shop", "pod" + path.substr(6), "burstable"};
  return description;
}

class Day {
 public:
  Day()
      : service_(options(), world()),
        interpreter_(container_of, [this](const facts::Fact& fact) { service_.apply(fact); }) {
    service_.apply(facts::session(0));
    interpreter_.name_cgroup(7, "/pods");
    interpreter_.apply(root_born(1, 0, 7));
    for (std::uint32_t slot = 1; slot <= kContainers; ++slot) bear(slot);
  }

  void live(std::uint64_t seconds) {
    for (const std::uint64_t end_ns = now_ns_ + seconds * kSecond; now_ns_ < end_ns;) {
      now_ns_ += kBetweenLooks * kSecond;
      ++round_;
      turn_over(static_cast<std::uint32_t>(round_ % kContainers + 1));
      turn_over(static_cast<std::uint32_t>((round_ + kContainers / 2) % kContainers + 1));
      for (std::uint32_t slot = 1; slot <= kContainers; ++slot) move(slot);
      interpreter_.tell_thinned();
      service_.tick(now_ns_);
    }
  }

  serve::Service& service() { return service_; }

 private:
  static serve::ServiceOptions options() {
    serve::ServiceOptions options;
    options.memory_bytes = std::size_t{8} << 20;
    options.data_dir = "/nonexistent";
    return options;
  }
  serve::Surroundings world() {
    serve::Surroundings world;
    world.monotonic_ns = [this] { return now_ns_; };
    world.clocks = [this] { return recording::Clocks{now_ns_, now_ns_, now_ns_}; };
    world.memcg_dir = [](const std::string&) { return std::filesystem::path("/nonexistent"); };
    world.warn = [](const std::string&) {};
    return world;
  }

  decode::Level at(std::uint32_t slot, std::uint64_t usage_bytes) const {
    return {slot, usage_bytes, 41 * events::kMiB, slot == 0 ? OptionalBytes() : OptionalBytes(kLimitBytes),
            now_ns_ - kSecond};
  }

  void bear(std::uint32_t slot) {
    ++serial_nr_;
    decode::MemcgBorn born = child_born(serial_nr_, slot, 0, std::to_string(serial_nr_));
    born.time_ns = now_ns_;
    born.cgroup_id = serial_nr_;
    interpreter_.apply(born);
  }

  void turn_over(std::uint32_t slot) {
    const std::uint64_t serial_nr = interpreter_.memcgs()[*interpreter_.at_slot(slot)].serial_nr;
    interpreter_.apply(decode::MemcgGone{now_ns_, serial_nr, at(slot, 0)});
    bear(slot);
  }

  // It stands, and in every sixth round it rises for a moment, is held up at its limit, and moves too often.
  // Each time another thread charges: 8,192 of them, which is all that is remembered, have come within two
  // hours.
  void move(std::uint32_t slot) {
    const bool is_up = (round_ + slot) % 6 == 0;
    const std::uint64_t noise = (round_ * 7919 + slot) % 64 * 4096;
    for (std::uint64_t step = 0; step < 2; ++step) {
      const std::uint64_t bytes = (is_up && step == 0 ? 40 : 20) * events::kMiB + noise;
      decode::Sample sample =
          events::sample(now_ns_ + step * 1'000'000 + slot, {at(slot, bytes), at(0, 100 * bytes)});
      sample.tid = sample.tgid = ++threads_;
      sample.trigger = MEMSPIKE_TRIGGER_CHARGE;
      sample.thinned_moves = is_up ? 3 : 0;
      interpreter_.apply(sample);
    }
    if (is_up) interpreter_.apply(decode::Stall{now_ns_ + 2'000'000, 50'000, 0, slot, 9, 9, false});
  }

  std::uint64_t now_ns_ = facts::kStartNs;
  std::uint64_t round_ = 0;
  std::uint64_t serial_nr_ = 1;
  std::uint32_t threads_ = 1'000;
  serve::Service service_;
  capture::Interpreter interpreter_;
};

}  // namespace

TEST_CASE("hours of a node with 700 births each leave memory level and an hour as cheap as the first") {
  constexpr std::uint64_t kHour = 3'600;
  constexpr std::size_t kSlackBytes = 256 << 10;  // blocks are more or less full
  Day day;
  const auto cost_of_an_hour = [&] {
    const std::uint64_t before_ns = cpu_ns();
    day.live(kHour);
    return cpu_ns() - before_ns;
  };
  day.live(kHour);
  // What is kept is bounded by time as well (five minutes of what has ended, as an example), or by number.
  const std::uint64_t cost_early_ns = cost_of_an_hour();
  const std::size_t held_early = heap::bytes();
  const std::uint64_t cost_late_ns = cost_of_an_hour();
  const std::size_t held_late = heap::bytes();
  INFO("held " << held_early / 1'024 << " KiB, then " << held_late / 1'024 << "; an hour took "
               << cost_early_ns / 1'000'000 << " ms, then " << cost_late_ns / 1'000'000);
  CHECK(held_late < held_early + kSlackBytes);
  CHECK(cost_late_ns < cost_early_ns * 2);
  CHECK(day.service().flight().bytes() <= std::size_t{8} << 20);
  CHECK(day.service().living() == kContainers + 1);
  CHECK(day.service().meters().size() < 4 * kContainers);
  std::uint64_t thinned = 0;
  for (const auto& [subject, series] : day.service().meters().all()) thinned += series->thinned_moves;
  CHECK(thinned > 0);
}
