// A memcg that moves too often: its moves are counted, told of it alone, and found in every answer.
#include <catch2/catch.hpp>
#include <string>

#include "decode/decoder.h"
#include "decode_records.h"
#include "lives_events.h"
#include "serve/exposition.h"
#include "serve/meter.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::events;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

decode::Event decoded(const wire::Bytes& bytes) {
  const auto event = decode::decode(bytes, 4096);
  REQUIRE(event);
  return *event;
}

// A pod with a quiet and a loud container in it.
Recording node() {
  Recording recording({}, anything);
  recording.name_cgroup(7, "/pod");
  recording.apply(root_born(100, 0, 7));
  recording.apply(child_born(101, 1, 0, "loud"));
  recording.apply(child_born(102, 2, 0, "quiet"));
  return recording;
}

decode::Sample thinned(std::uint64_t time_ns, std::uint32_t slot, std::uint32_t moves) {
  decode::Sample result = sample(time_ns, {level(slot, 3 * kMiB), level(0, 5 * kMiB)});
  result.thinned_moves = moves;
  return result;
}

}  // namespace

TEST_CASE("a record says how many moves have none since the last one") {
  memspike_sample raw{};
  raw.header = wire::header(MEMSPIKE_RECORD_SAMPLE, offsetof(memspike_sample, levels) + 40, 9);
  raw.level_count = 1;
  raw.levels[0] = wire::level(3, 1, 1);
  raw.thinned_moves = 12;
  CHECK(std::get<decode::Sample>(decoded(wire::bytes_of(raw, raw.header.size))).thinned_moves == 12);
  memspike_memcg_gone gone{};
  gone.header = wire::header(MEMSPIKE_RECORD_MEMCG_GONE, sizeof(gone), 9);
  gone.thinned_moves = 13;
  CHECK(std::get<decode::MemcgGone>(decoded(wire::bytes_of(gone))).thinned_moves == 13);
}

TEST_CASE("moves that were thinned out are those of the memcg that moved, and of nobody else") {
  Recording recording = node();
  recording.apply(thinned(1'000, 1, 0));
  recording.apply(thinned(2'000, 1, 700));
  recording.apply(thinned(2'500, 2, 0));
  recording.apply(thinned(3'000, 1, 41));
  recording.apply(thinned(3'500, 9, 1'000));  // of nobody that is known
  decode::MemcgGone gone{4'000, 101, level(1, 0)};
  gone.thinned_moves = 5;
  recording.apply(gone);
  recording.close(5'000);
  const report::Report report = recording.take();
  REQUIRE(report.memcgs.size() == 3);
  CHECK(report.memcgs[0].thinned_moves == 0);
  CHECK(report.memcgs[1].thinned_moves == 746);
  CHECK(report.memcgs[2].thinned_moves == 0);
  const std::string text = views::render_text(report, {});
  CHECK(text.find("746 moves of") != std::string::npos);
  CHECK(text.find("too many to be told one by one") != std::string::npos);
}

TEST_CASE("thinned moves are told together, with the time from the record before them") {
  std::vector<facts::MovesThinned> told;
  capture::Interpreter interpreter(anything, [&](const facts::Fact& fact) {
    if (const auto* thinned = std::get_if<facts::MovesThinned>(&fact)) told.push_back(*thinned);
  });
  interpreter.name_cgroup(7, "/pod");
  interpreter.apply(root_born(100, 0, 7));
  interpreter.apply(child_born(101, 1, 0, "loud"));
  decode::Sample first = thinned(2'000, 1, 700);
  first.path.levels[0].previous_look_ns = 1'900;
  interpreter.apply(first);
  interpreter.apply(thinned(3'000, 1, 41));
  CHECK(told.empty());
  interpreter.tell_thinned();
  REQUIRE(told.size() == 1);
  CHECK(told[0].memcg == 1);
  CHECK(told[0].from_ns == 1'900);
  CHECK(told[0].time_ns == 3'000);
  CHECK(told[0].moves == 741);
  interpreter.tell_thinned();
  CHECK(told.size() == 1);
}

TEST_CASE("metrics have the thinned moves of those that moved too often, and none of others") {
  using namespace memspike::serve;
  Meters meters;
  meters.begin(1, {"shop", "loud", "app"}, "/loud", kSecond);
  meters.begin(2, {"shop", "quiet", "app"}, "/quiet", kSecond);
  meters.thin(1, 700);
  meters.thin(1, 41);
  meters.thin(9, 1'000);  // of nobody that is counted
  Health health;
  health.thinned_moves = 741;
  const std::string text =
      render_metrics(meters.take(2 * kSecond, 0), health, 0, views::MetricText::prometheus);
  CHECK(text.find("memspike_container_thinned_moves_total{namespace=\"shop\",pod=\"loud\",container=\"app\"} "
                  "741\n") != std::string::npos);
  CHECK(text.find("thinned_moves_total{namespace=\"shop\",pod=\"quiet\"") == std::string::npos);
  CHECK(text.find("memspike_thinned_moves_total{} 741\n") != std::string::npos);
}
