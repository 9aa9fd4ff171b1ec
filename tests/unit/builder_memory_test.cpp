// What a memcg costs in memory, once it is gone: containers may be born and die all day.
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "builder_events.h"
#include "heap.h"

using namespace memspike;
using namespace memspike::report;
using memspike::events::kMiB;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kLifeNs = 3'000 * kMs;

// A container that lives for three seconds: a row a millisecond that moves, three spikes, a kill's worth of
// everything else.
void live(Builder& builder, MemcgIndex memcg) {
  const std::string id = std::to_string(100'000 + memcg);
  const std::uint64_t born_ns = kLifeNs * memcg;
  builder.apply(
      MemcgFound{memcg, born_ns, memcg, {}, "/pod/" + id, {Role::container, Container{id, "app"}, true}});
  for (std::uint64_t ms = 0; ms < 3'000; ++ms) {
    const std::uint64_t time_ns = born_ns + ms * kMs;
    const bool is_up = ms % 1'000 > 500 && ms % 1'000 < 520;
    timeline::Row row;
    row.time_ns = time_ns;
    row.usage_bytes = (is_up ? 45 : 30) * kMiB + (ms * 7919 + memcg) % 200 * 4096;
    row.limit_bytes = 50 * kMiB;
    row.headroom_bytes = 50 * kMiB - row.usage_bytes;
    builder.apply(MemcgRow{memcg, row});
    builder.apply(MemcgCharged{time_ns, {memcg}, 1'000 + memcg, 1'000 + memcg, 4096});
    if (ms % 100 != 0) continue;
    builder.apply(TaskStalled{memcg, time_ns, ms * 100, 4096, 1, 1});
    builder.apply(InactiveFileRead{memcg, time_ns, ms % 300 * 4096});
    builder.apply(MemoryStatRead{memcg, time_ns, row.usage_bytes, {row.usage_bytes, 0, 0, 0, 0}, true});
  }
  builder.apply(MemcgGone{memcg, born_ns + kLifeNs, 47 * kMiB});
}

}  // namespace

TEST_CASE("a thousand memcgs that came and went cost 6 KiB each, and as much in the report") {
  constexpr MemcgIndex kFirst = 100;  // the latest of these keep finer pictures
  constexpr MemcgIndex kMore = 1'000;
  constexpr std::size_t kBudgetBytes = 6 << 10;
  const std::size_t at_first = heap::bytes();
  auto builder = std::make_unique<Builder>(BuilderOptions{});
  builder->apply(SessionKnown{});
  for (MemcgIndex memcg = 0; memcg < kFirst; ++memcg) live(*builder, memcg);
  const std::size_t before = heap::bytes();
  for (MemcgIndex memcg = kFirst; memcg < kFirst + kMore; ++memcg) live(*builder, memcg);
  const std::size_t of_one = (heap::bytes() - before) / kMore;
  CHECK(of_one < kBudgetBytes);
  CHECK(of_one > 1 << 10);  // it is counted at all

  const Report report = builder->take();
  builder.reset();
  REQUIRE(report.memcgs.size() == kFirst + kMore);
  CHECK(report.memcgs.back().spikes.size() == 3);
  CHECK(report.memcgs.back().shown.held_ns() == kLifeNs - kMs);
  CHECK((heap::bytes() - at_first) / report.memcgs.size() < kBudgetBytes);
}
