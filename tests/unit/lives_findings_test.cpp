// What follows from facts is passed on as facts, behind those that it follows from.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lives/life_table.h"
#include "recording_facts.h"

using namespace memspike;
using namespace memspike::facts;

namespace {

constexpr std::uint64_t kMs = 1'000'000;

MemcgRow row_at(std::uint64_t ms, std::uint64_t usage_bytes) {
  timeline::Row row;
  row.time_ns = ms * kMs;
  row.usage_bytes = row.watermark_bytes = usage_bytes;
  row.limit_bytes = 64 * kMiB;
  row.headroom_bytes = 64 * kMiB - usage_bytes;
  return {0, row};
}

// What comes out behind the table, a letter each: r(ow), s(pike), b(urst), f(ound), g(one), e(nd).
class Letters final : public FactSink {
 public:
  void apply(const Fact& fact) override {
    if (std::holds_alternative<MemcgRow>(fact)) text += 'r';
    if (std::holds_alternative<SpikeFound>(fact)) text += 's';
    if (std::holds_alternative<BurstFound>(fact)) text += 'b';
    if (std::holds_alternative<MemcgFound>(fact)) text += 'f';
    if (std::holds_alternative<MemcgGone>(fact)) text += 'g';
    if (std::holds_alternative<RecordingEnded>(fact)) text += 'e';
  }
  void tick(std::uint64_t now_ns) override { ticked_ns = now_ns; }

  std::string text;
  std::uint64_t ticked_ns = 0;
};

lives::LifeTable& born(lives::LifeTable& table, bool in_target = true) {
  table.apply(SessionKnown{});
  table.apply(MemcgFound{0, 1, 0, {}, "/pod", {Role::cgroup, {}, in_target}});
  return table;
}

void rise_and_fall(lives::LifeTable& table) {
  table.apply(row_at(10, 10 * kMiB));
  table.apply(row_at(20, 50 * kMiB));
  table.apply(row_at(30, 20 * kMiB));  // below half: the burst is over
  table.apply(row_at(40, 10 * kMiB));  // back at its base: the spike is sure
  table.apply(row_at(50, 10 * kMiB));
}

}  // namespace

TEST_CASE("a burst comes behind the row that ends it, a spike behind the row that makes it sure") {
  Letters letters;
  lives::LifeTable table({});
  table.pass_to(letters);
  rise_and_fall(born(table));
  CHECK(letters.text == "frrrbrsr");
}

TEST_CASE("nothing comes behind the end, and what is up then comes before it") {
  Letters letters;
  lives::LifeTable table({});
  table.pass_to(letters);
  born(table);
  table.apply(row_at(10, 10 * kMiB));
  table.apply(row_at(20, 50 * kMiB));
  table.apply(RecordingEnded{30 * kMs});
  CHECK(letters.text == "frrsbe");
}

TEST_CASE("what is up when its memcg is removed comes behind that") {
  Letters letters;
  lives::LifeTable table({});
  table.pass_to(letters);
  born(table);
  table.apply(row_at(10, 10 * kMiB));
  table.apply(row_at(20, 50 * kMiB));
  table.apply(MemcgGone{0, 30 * kMs, 50 * kMiB});
  CHECK(letters.text == "frrgsb");
}

TEST_CASE("findings of others are not passed on: there would be two of each") {
  Letters letters;
  lives::LifeTable table({});
  table.pass_to(letters);
  born(table);
  table.apply(BurstFound{0, {}});
  table.apply(SpikeFound{0, {}});
  CHECK(letters.text == "f");
}

TEST_CASE("a look at what is kept tells nobody of what is up only now") {
  Letters letters;
  lives::LifeTable table({});
  table.pass_to(letters);
  born(table);
  table.apply(row_at(10, 10 * kMiB));
  table.apply(row_at(20, 50 * kMiB));
  CHECK(table.snapshot(25 * kMs).memcgs.at(0).bursts.size() == 1);
  CHECK(letters.text == "frr");
}

TEST_CASE("time goes on without facts: lives that are long over are forgotten, and sinks hear of it") {
  Letters letters;
  lives::LifeOptions options;
  options.retention = lives::Retention::recent();
  lives::LifeTable table(options);
  table.pass_to(letters);
  born(table);
  table.apply(row_at(10, 10 * kMiB));
  table.apply(MemcgGone{0, 30 * kMs, 50 * kMiB});
  table.tick(40 * kMs);
  CHECK(table.kept_lives() == 1);
  const std::uint64_t later_ns = 31 * kMs + *options.retention.dead_ns;
  table.tick(later_ns);
  CHECK(table.kept_lives() == 0);
  CHECK(letters.ticked_ns == later_ns);
}
