// What a memcg costs in memory, once it is gone: containers may be born and die all day.
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "heap.h"
#include "lives_events.h"
#include "recording/writer.h"

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::lives;
using namespace memspike::report;
using memspike::events::kMiB;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kLifeNs = 3'000 * kMs;

// A container that lives for three seconds: a row a millisecond that moves, three spikes, a kill's worth of
// everything else.
void live(LifeTable& table, MemcgIndex memcg) {
  const std::string id = std::to_string(100'000 + memcg);
  const std::uint64_t born_ns = kLifeNs * memcg;
  table.apply(
      MemcgFound{memcg, born_ns, memcg, {}, "/pod/" + id, {Role::container, Container{id, "app"}, true}});
  for (std::uint64_t ms = 0; ms < 3'000; ++ms) {
    const std::uint64_t time_ns = born_ns + ms * kMs;
    const bool is_up = ms % 1'000 > 500 && ms % 1'000 < 520;
    timeline::Row row;
    row.time_ns = time_ns;
    row.usage_bytes = (is_up ? 45 : 30) * kMiB + (ms * 7919 + memcg) % 200 * 4096;
    row.limit_bytes = 50 * kMiB;
    row.headroom_bytes = 50 * kMiB - row.usage_bytes;
    table.apply(MemcgRow{memcg, row});
    table.apply(MemcgCharged{time_ns, {memcg}, 1'000 + memcg, 1'000 + memcg, 4096});
    if (ms % 100 != 0) continue;
    table.apply(TaskStalled{memcg, time_ns, ms * 100, 4096, 1, 1});
    table.apply(InactiveFileRead{memcg, time_ns, ms % 300 * 4096});
    table.apply(MemoryStatRead{memcg, time_ns, row.usage_bytes, {row.usage_bytes, 0, 0, 0, 0}, true});
  }
  table.apply(MemcgGone{memcg, born_ns + kLifeNs, 47 * kMiB});
}

}  // namespace

TEST_CASE("memcgs that came and went cost 9 KiB each, and little more in the report") {
  constexpr MemcgIndex kFirst = 100;  // the latest of these keep finer pictures
  constexpr MemcgIndex kMore = 250;
  constexpr std::size_t kBudgetBytes = 9 << 10;
  const std::size_t at_first = heap::bytes();
  auto table = std::make_unique<LifeTable>(LifeOptions{});
  table->apply(SessionKnown{});
  for (MemcgIndex memcg = 0; memcg < kFirst; ++memcg) live(*table, memcg);
  const std::size_t before = heap::bytes();
  for (MemcgIndex memcg = kFirst; memcg < kFirst + kMore; ++memcg) live(*table, memcg);
  const std::size_t of_one = (heap::bytes() - before) / kMore;
  CHECK(of_one < kBudgetBytes);
  CHECK(of_one > 1 << 10);  // it is counted at all

  const Report report = table->take();
  table.reset();
  REQUIRE(report.memcgs.size() == kFirst + kMore);
  CHECK(report.memcgs.back().spikes.size() == 3);
  CHECK(report.memcgs.back().shown.held_ns() == kLifeNs - kMs);
  CHECK((heap::bytes() - at_first) / report.memcgs.size() <
        kBudgetBytes + (2U << 10));  // the latest are finer
}

namespace {

// All that keeps something of each memcg, as a session has it.
struct Keepers {
  Keepers() {
    recording::Writer::Clocks clocks{1, 1, 1};
    writer = std::make_unique<recording::Writer>([](std::string_view) { return Result<void>{}; }, clocks);
    table.apply(SessionKnown{});
    interpreter.name_cgroup(10, "/pod");
    interpreter.apply(events::root_born(1, 0, 10));
  }

  // A container that is born, charges, perhaps loses a process to the OOM killer, and is removed.
  void live_and_die(std::uint64_t number, bool is_killed) {
    const std::uint64_t serial_nr = 100 + number;
    const std::uint64_t time_ns = 1'000'000 * (number + 1);
    auto born = events::child_born(serial_nr, 1, 0, "container-with-a-long-name-" + std::to_string(number));
    born.time_ns = time_ns;
    born.cgroup_id = 1'000 + number;
    interpreter.apply(born);
    interpreter.apply(events::sample(time_ns + 1, {events::level(1, 4 * kMiB), events::level(0, 5 * kMiB)}));
    if (is_killed) {
      interpreter.apply(
          events::oom_kill(time_ns + 2, {events::level(1, 4 * kMiB, 4 * kMiB), events::level(0, 5 * kMiB)}));
    }
    decode::MemcgGone gone;
    gone.time_ns = time_ns + 3;
    gone.serial_nr = serial_nr;
    gone.last = events::level(1, kMiB);
    interpreter.apply(gone);
  }

  std::unique_ptr<recording::Writer> writer;
  LifeTable table{LifeOptions{}};
  capture::Interpreter interpreter{events::anything, [this](const facts::Fact& fact) {
                                     writer->write(fact);
                                     table.apply(fact);
                                   }};
};

}  // namespace

TEST_CASE("however many memcgs come and go, what is kept of them is bounded, and the latest are whole") {
  Keepers keepers;
  std::uint64_t number = 0;
  const auto live_and_die = [&](std::uint64_t count, bool is_killed) {
    for (const std::uint64_t end = number + count; number < end; ++number)
      keepers.live_and_die(number, is_killed);
  };
  constexpr std::uint64_t kEnough = 6'000;  // more than are kept
  live_and_die(kEnough, true);
  live_and_die(kEnough, false);
  const std::size_t before = heap::bytes();
  constexpr std::uint64_t kMore = 10'000;
  live_and_die(kMore, false);
  // Nothing of each: what the tables were in the middle of.
  CHECK(heap::bytes() < before + (1U << 20));
  keepers.interpreter.close(1'000'000 * (number + 2));
  const Report report = keepers.table.take();
  std::size_t killed = 0;
  for (const report::Memcg& memcg : report.memcgs) killed += memcg.oom_kills.empty() ? 0 : 1;
  CHECK(killed >= 4'096);
  CHECK(report.memcgs.size() >= 2 * 4'096);
  CHECK(report.memcgs.size() < 2 * 5'000);
  const report::Memcg& last = report.memcgs.back();
  CHECK(last.path == "/pod/container-with-a-long-name-" + std::to_string(number - 1));
  CHECK(last.usage.peak_bytes == 4 * kMiB);
  std::string notes;
  for (const std::string& note : report.notes) notes += note + '\n';
  CHECK(notes.find(std::to_string(number + 1 - report.memcgs.size()) + " cgroups are not in this report") !=
        std::string::npos);
}

namespace {

ProcessKilled kill_of(std::uint64_t number) {
  ProcessKilled killed;
  killed.memcgs = {0};
  killed.kill.time_ns = 10'000'000'000 * (number + 1);  // a log line of the one is of no other
  killed.kill.pid = static_cast<std::uint32_t>(number + 1);
  killed.kill.comm = "victim";
  killed.kill.limit_path = "/pod";
  killed.kill.chain = {{"/pod", 64 * kMiB, 64 * kMiB}};
  killed.kill.victims = {{killed.kill.pid, "victim", "/pod", Standing::child, 1, "parent"}};
  return killed;
}

KernelLogged line_of(const Kill& kill) {
  KernelLogged line;
  line.time_ns = kill.time_ns;
  line.pid = kill.pid;
  line.comm = kill.comm;
  line.scope = LogScope::memcg;
  line.victim_paths = {"/pod"};
  line.text = "Memory cgroup out of memory: Killed process";
  return line;
}

}  // namespace

TEST_CASE("of the kills of one memcg the latest are kept, and all are counted") {
  constexpr std::uint64_t kKills = 5'000;
  LifeOptions options;
  options.retention.kills_of_each = 50;
  LifeTable table(options);
  table.apply(SessionKnown{});
  table.apply(MemcgFound{0, 1, 1, {}, "/pod", {}});
  timeline::Row row;
  row.time_ns = 2;
  row.usage_bytes = kMiB;
  table.apply(MemcgRow{0, row});
  std::size_t at_first = 0;
  for (std::uint64_t number = 0; number < kKills; ++number) {
    const ProcessKilled killed = kill_of(number);
    table.apply(MemcgCharged{killed.kill.time_ns, {0}, killed.kill.pid, killed.kill.pid, 4096});
    table.apply(killed);
    table.apply(line_of(killed.kill));
    if (number == kKills / 2) at_first = heap::bytes();
  }
  // Threads and the lines of the log have bounds of their own, which are not reached: some 700 bytes a kill.
  CHECK(heap::bytes() < at_first + kKills / 2 * 1'000);
  CHECK(table.live(0).kills == kKills);

  const report::Memcg memcg = table.snapshot(10'000'000'000 * (kKills + 1)).memcgs.at(0);
  REQUIRE(memcg.oom_kills.size() == 50);
  CHECK(memcg.oom_kills.back().pid == kKills);
  CHECK(memcg.forgotten_kills.entries == kKills - 50);
  CHECK(memcg.forgotten_kills.victims == kKills - 50);
  CHECK(memcg.all_kills() == kKills);
}

TEST_CASE("an incident in several memcgs has its entries also where only the latest kill of each is kept") {
  LifeOptions options;
  options.retention.kills_of_each = 1;
  LifeTable table(options);
  table.apply(SessionKnown{});
  for (const MemcgIndex memcg : {0U, 1U}) {
    table.apply(MemcgFound{memcg, 1, memcg + 1, {}, "/pod" + std::to_string(memcg), {}});
    timeline::Row row;
    row.time_ns = 2;
    row.usage_bytes = kMiB;
    table.apply(MemcgRow{memcg, row});
  }
  table.apply(kill_of(0));
  ProcessKilled joined = kill_of(0);
  joined.same_incident = true;
  joined.memcgs = {1};
  table.apply(joined);  // an entry of its own
  table.apply(kill_of(1));
  joined.memcgs = {1};
  table.apply(joined);  // now of the incident after, whose entry is another one
  CHECK(table.live(0).kills == 2);
  const report::Report report = table.snapshot(1);
  CHECK(report.memcgs.at(0).forgotten_kills.entries == 1);
  CHECK(report.memcgs.at(1).forgotten_kills.entries == 1);
}
