// The flight recorder: what is asked of it is a recording, shares are fair, and memory is bounded.
#include <catch2/catch.hpp>

#include "lives/life_table.h"
#include "recording/flight_recorder.h"
#include "recording/reader.h"
#include "recording_facts.h"

using namespace memspike;
using facts::kMiB;
using facts::kStartNs;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

facts::MemcgFound found(facts::MemcgIndex memcg, const std::string& path,
                        std::optional<facts::MemcgIndex> parent = {}) {
  facts::MemcgFound born;
  born.memcg = memcg;
  born.time_ns = kStartNs;
  born.path = path;
  born.parent = parent;
  return born;
}

std::vector<facts::Fact> played(const recording::FlightExcerpt& excerpt, std::uint64_t end_ns) {
  std::vector<facts::Fact> result;
  REQUIRE(recording::play(excerpt, end_ns, [&](const facts::Fact& fact) { result.push_back(fact); }));
  return result;
}

std::vector<timeline::Row> rows_of(const std::vector<facts::Fact>& all, facts::MemcgIndex memcg) {
  std::vector<timeline::Row> rows;
  for (const facts::Fact& fact : all) {
    const auto* row = std::get_if<facts::MemcgRow>(&fact);
    if (row != nullptr && row->memcg == memcg) rows.push_back(row->row);
  }
  return rows;
}

// A counter that moves `count` times, every `step_ns`.
void move(recording::FlightRecorder& flight, facts::MemcgIndex memcg, std::uint64_t from_ns, int count,
          std::uint64_t step_ns) {
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    flight.apply(facts::row(memcg, from_ns + at * step_ns, (1 + at % 40) * kMiB));
  }
}

}  // namespace

TEST_CASE("the flight recorder gives every row back, over many blocks and each once") {
  recording::FlightRecorder flight({});
  flight.apply(facts::session(0));
  flight.apply(found(7, "/pod"));
  flight.apply(found(9, "/pod/app", 7));
  constexpr int kRows = 20'000;
  for (int i = 0; i < kRows; ++i) {
    const auto at = static_cast<std::uint64_t>(i) * 1'000'000;
    flight.apply(facts::row(7, at, (2 + static_cast<std::uint64_t>(i) % 90) * kMiB, 50 * kMiB,
                            i % 7 == 3 ? timeline::Mark::watermark : timeline::Mark::sampled));
    flight.apply(
        facts::row(9, at, static_cast<std::uint64_t>(i) % 30 * kMiB, i < 9000 ? 40 * kMiB : 30 * kMiB));
  }
  const auto excerpt = flight.excerpt({7, 9}, 0);
  REQUIRE(excerpt.strands.size() == 2);
  CHECK(excerpt.strands[1].blocks.size() > 3);
  const auto all = played(excerpt, kStartNs + 30 * kSecond);
  for (const facts::MemcgIndex memcg : {0, 1}) {
    const auto rows = rows_of(all, memcg);
    REQUIRE(rows.size() == kRows);
    for (int i = 0; i < kRows; ++i) {
      const timeline::Row& row = rows[static_cast<std::size_t>(i)];
      CHECK(row.time_ns == kStartNs + static_cast<std::uint64_t>(i) * 1'000'000);
      const auto index = static_cast<std::uint64_t>(i);
      CHECK(row.usage_bytes == (memcg == 0 ? 2 + index % 90 : index % 30) * kMiB);
    }
  }
  CHECK(rows_of(all, 1)[8999].limit_bytes == 40 * kMiB);
  CHECK(rows_of(all, 1)[9000].limit_bytes == 30 * kMiB);
  CHECK(rows_of(all, 0)[3].mark == timeline::Mark::watermark);
  // In order of time, parents first.
  std::uint64_t last_ns = 0;
  for (const facts::Fact& fact : all) {
    const auto* row = std::get_if<facts::MemcgRow>(&fact);
    if (row == nullptr) continue;
    CHECK(row->row.time_ns >= last_ns);
    last_ns = row->row.time_ns;
  }
  const auto* child = std::get_if<facts::MemcgFound>(&all[2]);
  REQUIRE(child != nullptr);
  CHECK(child->parent == facts::MemcgIndex{0});
}

TEST_CASE("a quiet memcg keeps its past however loud others are, within the memory that there is") {
  constexpr std::size_t kMemory = 256U << 10;
  recording::FlightRecorder flight({kMemory, 60 * kSecond});
  flight.apply(facts::session(0));
  flight.apply(found(0, "/loud"));
  flight.apply(found(1, "/quiet"));
  for (std::uint64_t second = 0; second < 60; ++second) {
    move(flight, 1, second * kSecond, 5, 1'000'000);
    move(flight, 0, second * kSecond, 4000, 200'000);
    flight.tick(kStartNs + second * kSecond);
    CHECK(flight.bytes() <= kMemory + (64U << 10));
  }
  const auto quiet = played(flight.excerpt({1}, 0), kStartNs + 60 * kSecond);
  CHECK(rows_of(quiet, 0).size() == 300);
  const auto loud = rows_of(played(flight.excerpt({0}, 0), kStartNs + 60 * kSecond), 0);
  CHECK(loud.size() < 240'000);
  CHECK(loud.size() > 1000);
  CHECK(loud.back().time_ns == kStartNs + 59 * kSecond + 3999 * 200'000ULL);
  CHECK(flight.dropped_blocks() > 0);
}

TEST_CASE("room is made for some more than is needed, and not sought where there is none") {
  // What 512 memcgs take by themselves is more than there is.
  constexpr std::size_t kMemory = 512U << 10;
  recording::FlightRecorder flight({kMemory, 60 * kSecond});
  flight.apply(facts::session(0));
  for (facts::MemcgIndex memcg = 0; memcg < 512; ++memcg)
    flight.apply(found(memcg, "/" + std::to_string(memcg)));
  std::size_t most = 0;
  for (std::uint64_t second = 0; second < 20; ++second) {
    for (facts::MemcgIndex memcg = 0; memcg < 512; ++memcg)
      move(flight, memcg, second * kSecond, 20, 1'000'000);
    flight.tick(kStartNs + second * kSecond);
    most = std::max(most, flight.bytes());
  }
  const std::size_t bare = 512 * std::size_t{2048};
  CHECK(most < bare + 2 * (kMemory / 32) + (64U << 10));
  CHECK(flight.dropped_blocks() > 0);
  // The latest of each is there.
  CHECK_FALSE(rows_of(played(flight.excerpt({511}, 0), kStartNs + 20 * kSecond), 0).empty());
}

TEST_CASE("a kill in the flight recorder is one in its report, with who charged and the log's lines") {
  recording::FlightRecorder flight({});
  flight.apply(facts::session(0));
  flight.apply(found(4, "/pod"));
  flight.apply(found(5, "/pod/app", 4));
  facts::MemcgCharged charged;
  charged.memcgs = {5, 4};
  charged.pid = 42;
  charged.tid = 42;
  charged.bytes = 40 * kMiB;
  for (std::uint64_t i = 0; i < 10; ++i) {
    flight.apply(facts::row(4, i * 1'000'000, (10 + 4 * i) * kMiB, 90 * kMiB));
    if (i == 5) {
      charged.time_ns = kStartNs + i * 1'000'000;
      flight.apply(charged);
    }
    flight.apply(facts::row(5, i * 1'000'000, (10 + 4 * i) * kMiB));
  }
  // Who that was is known only now.
  flight.apply(facts::ThreadSeen{kStartNs, {42, 42, 1, "eater", "/bin/eater", {}}});
  facts::ProcessKilled killed = facts::kill(11'000'000, false);
  killed.memcgs = {5, 4};
  flight.apply(killed);
  facts::KernelLogged logged;
  logged.time_ns = kStartNs + 12'000'000;
  logged.pid = 42;
  logged.text = "Memory cgroup out of memory: Killed process 42";
  logged.victim_paths = {"/pod/app"};
  flight.apply(logged);
  logged.victim_paths = {"/other"};
  logged.pid = 77;
  flight.apply(logged);
  lives::LifeTable table{lives::LifeOptions{}};
  const auto excerpt = flight.excerpt({4, 5}, 0);
  CHECK(excerpt.log.size() == 1);
  for (const facts::Fact& fact : played(excerpt, kStartNs + kSecond)) table.apply(fact);
  const report::Report report = table.take();
  REQUIRE(report.memcgs.size() == 2);
  CHECK(report.memcgs[0].oom_kills.empty());
  REQUIRE(report.memcgs[1].oom_kills.size() == 1);
  CHECK(report.memcgs[1].usage.peak_bytes == 46 * kMiB);
  CHECK(report.memcgs[1].oom_kills[0].log_lines.size() == 1);
  const bool is_known = std::any_of(report.threads.begin(), report.threads.end(),
                                    [](const report::Thread& thread) { return thread.comm == "eater"; });
  CHECK(is_known);
}

TEST_CASE("stacks that are told again and again are one list in the recording, with each place once") {
  recording::FlightRecorder flight({});
  flight.apply(facts::session(0));
  flight.apply(found(7, "/pod"));
  flight.apply(found(9, "/pod/app", 7));
  const facts::Module app{"/srv/app", "01ab"};
  const facts::Module kernel{"[kernel]", ""};
  const auto seen = [](facts::MemcgIndex memcg, std::uint64_t pages, std::vector<std::uint32_t> user,
                       std::uint64_t second) {
    facts::StackSeen stack;
    stack.memcg = memcg;
    stack.stack.pages = pages;
    stack.stack.pid = 42;
    stack.stack.comm = "eater";
    stack.stack.user = std::move(user);
    stack.stack.since_ns = kStartNs + second * kSecond;
    stack.stack.until_ns = stack.stack.since_ns + kSecond / 10;
    return stack;
  };
  // The same two functions by other numbers each time, over more than one block.
  for (std::uint64_t second = 0; second < 20; ++second) {
    move(flight, 9, second * kSecond, 4000, 200'000);
    const bool turns = second % 2 == 1;
    flight.apply(facts::CodeNamed{{turns ? kernel : app}, {}});
    flight.apply(facts::CodeNamed{{turns ? app : kernel}, {}});
    facts::Frame eat{"eat", turns ? 1U : 0U, 0x1010};
    facts::Frame digest{"digest" + std::string(2'000, '!'), turns ? 1U : 0U, 0x2020};
    flight.apply(facts::CodeNamed{{}, {turns ? eat : digest}});
    flight.apply(facts::CodeNamed{{}, {turns ? digest : eat}});
    const std::uint32_t eats = turns ? 0 : 1;
    flight.apply(seen(9, 100 + second, {eats, 1 - eats}, second));
    if (second == 3) flight.apply(seen(7, 5, {eats}, second));
    flight.apply(seen(1234, 5, {eats}, second));  // of nobody that is kept
    flight.apply(facts::StacksCounted{second == 10 ? 77U : 0U});
  }
  const auto all = played(flight.excerpt({7, 9}, 0), kStartNs + 30 * kSecond);
  std::vector<facts::Frame> frames;
  std::vector<facts::Module> modules;
  std::vector<facts::StackSeen> stacks;
  std::vector<facts::StacksCounted> counted;
  for (const facts::Fact& fact : all) {
    if (const auto* code = std::get_if<facts::CodeNamed>(&fact)) {
      modules.insert(modules.end(), code->modules.begin(), code->modules.end());
      frames.insert(frames.end(), code->frames.begin(), code->frames.end());
    }
    if (const auto* stack = std::get_if<facts::StackSeen>(&fact)) stacks.push_back(*stack);
    if (const auto* count = std::get_if<facts::StacksCounted>(&fact)) counted.push_back(*count);
  }
  REQUIRE(modules.size() == 1);  // nothing is of the kernel
  CHECK(modules[0].path == "/srv/app");
  REQUIRE(frames.size() == 2);
  REQUIRE(stacks.size() == 21);
  std::uint64_t pages_of_app = 0;
  for (const facts::StackSeen& stack : stacks) {
    CHECK(stack.stack.comm == "eater");
    CHECK(frames.at(stack.stack.user.at(0)).function == "eat");
    if (stack.memcg == 1) {
      pages_of_app += stack.stack.pages;
      CHECK(frames.at(stack.stack.user.at(1)).function.substr(0, 7) == "digest!");
    }
  }
  CHECK(frames[0].function.size() + frames[1].function.size() < 1'000);
  CHECK(pages_of_app == 20 * 100 + 190);
  REQUIRE(counted.size() == 1);
  CHECK(counted[0].overflow_pages == 77);
  CHECK(std::holds_alternative<facts::RecordingEnded>(all.back()));
  // Where there are none nothing is said of them.
  for (const facts::Fact& fact : played(flight.excerpt({1}, 0), kStartNs + 30 * kSecond))
    CHECK_FALSE(std::holds_alternative<facts::StacksCounted>(fact));
}

TEST_CASE("what is gone for long is forgotten") {
  recording::FlightRecorder flight({std::size_t{1} << 20, 10 * kSecond});
  flight.apply(facts::session(0));
  for (facts::MemcgIndex memcg = 0; memcg < 1000; ++memcg) {
    const std::uint64_t born_ns = memcg * (kSecond / 10);
    flight.apply(found(memcg, "/pod" + std::to_string(memcg)));
    move(flight, memcg, born_ns, 10, 1'000'000);
    flight.apply(facts::MemcgGone{memcg, kStartNs + born_ns + kSecond / 20, 40 * kMiB});
    flight.tick(kStartNs + born_ns);
    CHECK(flight.strands() <= 110);
  }
  flight.tick(kStartNs + 1000 * kSecond);
  CHECK(flight.strands() == 0);
  CHECK(flight.bytes() == 0);
}
