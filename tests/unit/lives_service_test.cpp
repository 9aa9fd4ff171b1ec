// What never ends: lives that come and go all day, and reports of them meanwhile.
#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <limits>
#include <memory>
#include <string>

#include "base/sanitized.h"
#include "heap.h"
#include "lives/life_table.h"
#include "views/json/json.h"

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::lives;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kLimitBytes = 64 * kMiB;

std::uint64_t cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

timeline::Row row_at(std::uint64_t time_ns, std::uint64_t usage_bytes) {
  timeline::Row row;
  row.time_ns = time_ns;
  row.usage_bytes = row.watermark_bytes = usage_bytes;
  row.limit_bytes = kLimitBytes;
  row.headroom_bytes = kLimitBytes - usage_bytes;
  return row;
}

MemcgFound birth_of(MemcgIndex memcg, std::uint64_t time_ns) {
  const std::string id = std::to_string(1'000'000 + memcg);
  return {memcg, time_ns, memcg, {}, "/pod" + id + "/" + id, {Role::container, Container{id, "app"}, true}};
}

// A second of a container's life: it stands, rises for a moment each eighth second, and is looked at.
void live_a_second(LifeTable& table, MemcgIndex memcg, std::uint64_t second, int rows) {
  for (int i = 0; i < rows; ++i) {
    const std::uint64_t time_ns = second * kSecond + static_cast<std::uint64_t>(i) * kSecond / rows;
    const bool is_up = (second + memcg) % 8 == 0 && i == rows / 2;
    const std::uint64_t noise = (time_ns / 1'000 * 7919 + memcg) % 64 * 4096;
    table.apply(MemcgCharged{time_ns, {memcg}, 1'000 + memcg, 1'000 + memcg, 4096});
    table.apply(MemcgRow{memcg, row_at(time_ns, (is_up ? 40 : 20) * kMiB + noise)});
  }
  const std::uint64_t end_ns = (second + 1) * kSecond - 1;
  table.apply(InactiveFileRead{memcg, end_ns, second % 3 * kMiB});
  table.apply(MemoryStatRead{memcg, end_ns, 20 * kMiB, {20 * kMiB, 0, 0, 0, 0}, true});
}

// The node of the simulation: ten births and as many deaths a second among 500 that live; under a sanitizer,
// where each costs ten times as much, a small one.
class Node {
 public:
  static constexpr MemcgIndex kBirths = kSanitized ? 2 : 10;
  static constexpr MemcgIndex kLives = kSanitized ? 30 : 500;

  explicit Node(LifeTable& table) : lives_(table) {
    lives_.apply(SessionKnown{});
    for (MemcgIndex memcg = 0; memcg < kLives; ++memcg) lives_.apply(birth_of(memcg, kSecond));
  }

  void run(std::uint64_t seconds) {
    for (std::uint64_t end = second_ + seconds; second_ < end; ++second_) {
      for (MemcgIndex i = 0; i < kBirths; ++i) turn_over();
      for (MemcgIndex memcg = first_; memcg < next_; ++memcg) live_a_second(lives_, memcg, second_, 2);
    }
  }
  std::uint64_t now_ns() const { return second_ * kSecond; }

 private:
  void turn_over() {
    lives_.apply(MemcgGone{first_++, second_ * kSecond, 41 * kMiB});
    lives_.apply(birth_of(next_++, second_ * kSecond));
  }

  LifeTable& lives_;
  std::uint64_t second_ = 2;
  MemcgIndex first_ = 0;
  MemcgIndex next_ = kLives;
};

LifeOptions of_a_service() {
  LifeOptions options;
  options.keep_all_spikes = false;
  options.retention = Retention::recent();
  return options;
}

}  // namespace

TEST_CASE("a snapshot is the report of a recording that ends there, and spends nothing") {
  LifeTable cut({});
  LifeTable whole({});
  LifeTable looked_at({});
  for (LifeTable* table : {&cut, &whole, &looked_at}) {
    table->apply(SessionKnown{});
    for (MemcgIndex memcg = 0; memcg < 3; ++memcg) table->apply(birth_of(memcg, kSecond));
    for (std::uint64_t second = 2; second < 20; ++second) {
      for (MemcgIndex memcg = 0; memcg < 3; ++memcg) live_a_second(*table, memcg, second, 50);
    }
    table->apply(MemcgGone{1, 20 * kSecond, 41 * kMiB});
  }
  constexpr std::uint64_t kNowNs = 21 * kSecond;
  const std::string snapshot = views::render_json(looked_at.snapshot(kNowNs));
  CHECK(looked_at.snapshot(kNowNs).memcgs.front().bursts_total > 1);
  for (const MemcgIndex memcg : {0U, 2U}) {
    timeline::Row held = *cut.find(memcg)->last_row();
    held.time_ns = kNowNs;
    held.mark = timeline::Mark::held;
    cut.apply(MemcgRow{memcg, held});
  }
  cut.apply(RecordingEnded{kNowNs});
  CHECK(snapshot == views::render_json(cut.take()));

  for (LifeTable* table : {&whole, &looked_at}) {
    for (std::uint64_t second = 21; second < 40; ++second) live_a_second(*table, 0, second, 50);
    table->apply(RecordingEnded{40 * kSecond});
  }
  CHECK(views::render_json(looked_at.snapshot(40 * kSecond)) == views::render_json(whole.take()));
}

TEST_CASE("a memcg that lives costs at most 16 KiB beside its spikes where recording never ends") {
  constexpr MemcgIndex kMemcgs = 200;
  const std::size_t before = heap::bytes();
  auto table = std::make_unique<LifeTable>(of_a_service());
  for (MemcgIndex memcg = 0; memcg < kMemcgs; ++memcg) table->apply(birth_of(memcg, kSecond));
  for (std::uint64_t second = 2; second < 130; ++second) {
    for (MemcgIndex memcg = 0; memcg < kMemcgs; ++memcg) live_a_second(*table, memcg, second, 20);
  }
  // A spike and a burst with one culprit each.
  constexpr std::size_t kOfSpikesBytes = 1'000;
  std::size_t spikes = 0;
  for (MemcgIndex memcg = 0; memcg < kMemcgs; ++memcg) spikes += table->find(memcg)->kept_spikes();
  CHECK(spikes > 5 * kMemcgs);
  const std::size_t held = heap::bytes() - before - spikes * kOfSpikesBytes;
  CHECK(held / kMemcgs < 16 << 10);
  CHECK(held / kMemcgs > 1 << 10);  // it is counted at all
}

TEST_CASE("an hour of 500 memcgs with ten births a second costs what some minutes do", "[timed]") {
  auto table = std::make_unique<LifeTable>(of_a_service());
  Node node(*table);
  const auto cost_of_ten_minutes = [&] {
    const std::uint64_t before_ns = cpu_ns();
    node.run(600);
    return cpu_ns() - before_ns;
  };
  node.run(900);  // threads that charged are remembered for a quarter of an hour here
  const std::size_t kept = table->kept_lives();
  const std::size_t held_early = heap::bytes();
  const std::uint64_t cost_early_ns = cost_of_ten_minutes();
  node.run(1'500);
  const std::uint64_t cost_late_ns = cost_of_ten_minutes();
  CHECK(table->kept_lives() == kept);
  CHECK(kept == Node::kLives + Retention::recent().dead_lives);
  // What the node's own memcg keeps fills up longer.
  CHECK(heap::bytes() < held_early + std::max(held_early / 20, std::size_t{2} << 20));
  CHECK(cost_late_ns < cost_early_ns * 2);

  // The least of some: what another process does to the caches is not of the snapshot.
  std::uint64_t snapshot_ns = std::numeric_limits<std::uint64_t>::max();
  report::Report report;
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t before_ns = cpu_ns();
    report = table->snapshot(node.now_ns());
    snapshot_ns = std::min(snapshot_ns, cpu_ns() - before_ns);
  }
  CHECK(report.memcgs.size() == kept);
  CHECK(std::any_of(report.memcgs.begin(), report.memcgs.end(),
                    [](const report::Memcg& memcg) { return !memcg.gone && memcg.bursts_total > 0; }));
  INFO("snapshot " << snapshot_ns / 1'000 << " us, held " << (held_early >> 20) << " MiB");
#ifdef NDEBUG
  CHECK(snapshot_ns < 150'000'000);  // 40 to 57 ms on a machine that is not slow
#else
  CHECK(snapshot_ns < 4'000'000'000);
#endif
}
