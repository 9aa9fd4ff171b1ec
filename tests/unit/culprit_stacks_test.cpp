// Stacks added up: in their table, and in the report.
#include <catch2/catch.hpp>

#include "capture/stack_sums.h"
#include "culprit/stack_table.h"
#include "lives_events.h"

using namespace memspike;
using namespace memspike::events;
using culprit::StackTable;

namespace {

decode::Stack stack(std::uint32_t slot, std::uint64_t bytes, std::vector<std::uint64_t> user) {
  return {10, bytes, slot, 70, 71, "worker", {0xffffffff81000000}, std::move(user)};
}

}  // namespace

TEST_CASE("the same place is one entry, the heaviest comes first") {
  StackTable table;
  CHECK(table.add({0, 1, "a", {1}, {2, 3}}, 100));
  CHECK(table.add({0, 1, "a", {1}, {2, 3}}, 50));
  CHECK(table.add({0, 1, "a", {1, 2}, {3}}, 200));  // the border between kernel and user matters
  CHECK(table.add({0, 2, "a", {1}, {2, 3}}, 10));
  CHECK(table.add({1, 1, "a", {1}, {2, 3}}, 20));
  CHECK(table.add({0, 1, "b", {1}, {2, 3}}, 30));
  const auto stacks = table.take();
  REQUIRE(stacks.size() == 5);
  CHECK(stacks[0].second.bytes == 200);
  CHECK(stacks[1].second.bytes == 150);
  CHECK(stacks[1].second.samples == 2);
  CHECK(stacks[4].second.bytes == 10);
}

TEST_CASE("a full table counts what it cannot tell apart") {
  StackTable table(10);
  for (std::uint64_t i = 0; i < 100; ++i) CHECK(table.add({0, 1, "a", {}, {i}}, 7) == (i < 10));
  CHECK(table.add({0, 1, "a", {}, {3}}, 5));
  CHECK(table.size() == 10);
  CHECK(table.overflow().bytes == 90 * 7);
  CHECK(table.overflow().samples == 90);
}

TEST_CASE("what unwinding found of a stack comes later, earlier or never") {
  capture::StackSums join;
  join.set_copies();
  const auto key = [](std::vector<std::uint64_t> user) {
    return culprit::StackKey{0, 70, "worker", {0xffffffff81000000}, std::move(user)};
  };
  join.add(key({1, 9}), 64 * 4096, 5, 0);
  join.add_chain(5, {1, 2, 3}, true);  // later
  join.add_chain(6, {1, 2, 3}, true);  // earlier
  join.add(key({1, 8}), 64 * 4096, 6, 0);
  join.add(key({1, 7}), 32 * 4096, 7, 0);  // never: what frame pointers say of its caller is not told
  join.add(key({4, 5}), 16 * 4096, 0, 0);  // has no copy
  join.add(key({}), 8 * 4096, 8, 0);
  join.add_chain(8, {1, 2, 3}, false);
  const facts::RawStacks stacks = join.take(4096);
  CHECK(stacks.pages == 2 * 64 + 32 + 16 + 8);
  REQUIRE(stacks.stacks.size() == 4);
  CHECK(stacks.stacks[0].stack.pages == 128);
  CHECK(stacks.stacks[0].user == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(stacks.stacks[0].ending == facts::Ending::whole);
  CHECK(stacks.stacks[1].user == std::vector<std::uint64_t>{1});
  CHECK(stacks.stacks[1].ending == facts::Ending::leaf);
  CHECK(stacks.stacks[2].user == std::vector<std::uint64_t>{4});
  CHECK(stacks.stacks[3].ending == facts::Ending::cut);
  CHECK(join.take(4096).stacks.empty());
}

TEST_CASE("while it goes on, what waits for unwinding is not given up too early") {
  capture::StackSums join({4, 4});
  join.set_copies();
  constexpr std::uint64_t kSecond = 1'000'000'000;
  join.add({0, 70, "worker", {}, {1, 9}}, 64 * 4096, 5, 10 * kSecond);
  join.add({0, 70, "worker", {}, {1, 9}}, 64 * 4096, 6, 12 * kSecond);
  const facts::RawStacks first = join.take(4096, 11 * kSecond);
  REQUIRE(first.stacks.size() == 1);
  CHECK(first.stacks[0].ending == facts::Ending::leaf);
  CHECK_FALSE(join.empty());
  CHECK(join.take(4096, 11 * kSecond).stacks.empty());
  join.add_chain(6, {1, 2, 3}, true);
  const facts::RawStacks second = join.take(4096, 11 * kSecond);
  REQUIRE(second.stacks.size() == 1);
  CHECK(second.stacks[0].ending == facts::Ending::whole);
  CHECK(second.stacks[0].stack.since_ns == 12 * kSecond);
  CHECK(join.empty());
  // What is too much to be told apart is counted once.
  for (std::uint64_t i = 0; i < 6; ++i) join.add({0, 70, "worker", {}, {i}}, 4096, 0, 0);
  CHECK(join.take(4096).overflow_pages == 2);
  CHECK(join.take(4096).overflow_pages == 0);
}

TEST_CASE("of more places than may be named the heaviest stacks have theirs, and none loses its pages") {
  capture::StackSums join({100, 100, 10});
  join.set_copies();
  for (std::uint64_t i = 1; i <= 5; ++i) {
    join.add({0, 70, "worker", {}, {1000 * i}}, i * 64 * 4096, i, 0);
    join.add_chain(i, {1000 * i, 1000 * i + 1, 1000 * i + 2, 1000 * i + 3}, true);
  }
  const facts::RawStacks stacks = join.take(4096);
  REQUIRE(stacks.stacks.size() == 5);
  CHECK(stacks.pages == 15 * 64);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(stacks.stacks[i].stack.pages == (5 - i) * 64);
    CHECK(stacks.stacks[i].user.size() == (i < 2 ? 4 : 0));
    CHECK(stacks.stacks[i].ending == (i < 2 ? facts::Ending::whole : facts::Ending::cut));
  }
}

TEST_CASE("without copies of stacks, frame pointers are what there is") {
  capture::StackSums join;
  join.add({0, 70, "worker", {}, {1, 9}}, 64 * 4096, 0, 0);
  const facts::RawStacks stacks = join.take(4096);
  REQUIRE(stacks.stacks.size() == 1);
  CHECK(stacks.stacks[0].user == std::vector<std::uint64_t>{1, 9});
  CHECK(stacks.stacks[0].ending == facts::Ending::frame_pointers);
}

TEST_CASE("what the same place charged at two times can be told apart, and is one stack else") {
  capture::StackSums join;
  const culprit::StackKey key{0, 70, "worker", {}, {1, 9}};
  join.add(key, 64 * 4096, 0, 1'000'000'000);
  join.add(key, 32 * 4096, 0, 1'010'000'000);
  join.add(key, 16 * 4096, 0, 3'000'000'000);
  const facts::RawStacks raw = join.take(4096);
  REQUIRE(raw.stacks.size() == 2);
  report::Stacks stacks;
  stacks.overflow_pages = 5;
  for (const facts::RawStack& each : raw.stacks) {
    stacks.stacks.push_back(each.stack);
    stacks.stacks.back().user = {0};
  }
  report::Stacks all = stacks;
  report::join_times(all);
  REQUIRE(all.stacks.size() == 1);
  CHECK(all.stacks[0].pages == 112);
  CHECK(all.pages == 117);
  CHECK(all.user_pages == 112);
  report::keep_seen(stacks, 2'900'000'000, 3'050'000'000);
  REQUIRE(stacks.stacks.size() == 1);
  CHECK(stacks.stacks[0].pages == 16);
  CHECK(stacks.pages == 16);
}

TEST_CASE("stacks of a session are those of the target's memcgs, in pages") {
  Recording recording({}, [](const std::string& path) {
    facts::Description description;
    description.in_target = path != "/pod/other";
    return description;
  });
  recording.name_cgroup(10, "/pod");
  recording.apply(root_born(100, 0, 10));
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(child_born(102, 2, 0, "other"));
  recording.apply(stack(1, 64 * 4096, {1, 2}));
  recording.apply(stack(1, 64 * 4096, {1, 2}));
  recording.apply(stack(2, 64 * 4096, {1, 2}));
  recording.apply(stack(9, 64 * 4096, {1, 2}));  // of a memcg that nobody saw born
  CHECK(recording.orphans() == 1);
  const facts::RawStacks stacks = recording.take_stacks(4096);
  CHECK(stacks.pages == 128);
  CHECK(stacks.overflow_pages == 0);
  REQUIRE(stacks.stacks.size() == 1);
  const facts::RawStack& only = stacks.stacks[0];
  CHECK(only.memcg == 1);
  CHECK(only.stack.pages == 128);
  CHECK(only.stack.samples == 2);
  CHECK(only.stack.pid == 70);
  CHECK(only.stack.comm == "worker");
  CHECK(only.user == std::vector<std::uint64_t>{1, 2});
  CHECK(only.kernel.size() == 1);
}

TEST_CASE("a report has the stacks of the containers that are reported on, with their totals") {
  lives::LifeOptions options;
  options.containers = {"app"};
  lives::LifeTable table(options);
  const auto found = [&](facts::MemcgIndex memcg, const std::string& name) {
    table.apply(facts::MemcgFound{
        memcg, 1, memcg, {}, "/pod/" + name, {facts::Role::container, facts::Container{"id-" + name, name}}});
  };
  found(0, "app");
  found(1, "other");
  table.apply(facts::CodeNamed{{{"/srv/app", ""}}, {{"f", 0, 1}}});
  table.apply(facts::CodeNamed{{{"[kernel]", ""}}, {{"g", 1, 2}, {"h", 99, 3}}});
  table.apply(facts::StackSeen{0, {100, 2, 7, "app", "", {}, {}, {1, 77}, {0, 2}, true}});
  table.apply(facts::StackSeen{0, {10, 1, 7, "app", "", {}, {}, {1}, {}, false}});
  table.apply(facts::StackSeen{1, {1000, 1, 8, "other", "", {}, {}, {1}, {0}, false}});
  table.apply(facts::StackSeen{5, {1000, 1, 8, "nobody", "", {}, {}, {1}, {0}, false}});
  table.apply(facts::StacksCounted{3});
  const report::Report report = table.take();
  REQUIRE(report.stacks);
  REQUIRE(report.stacks->stacks.size() == 2);
  const facts::Stack& first = report.stacks->stacks[0];
  CHECK(first.cgroup == "/pod/app");
  CHECK(first.container == "app");
  CHECK(first.kernel == std::vector<std::uint32_t>{1});  // there is no frame 77
  CHECK(report.stacks->frames[2].module == 0);           // nor a module 99
  CHECK(report.stacks->pages == 113);
  CHECK(report.stacks->overflow_pages == 3);
  CHECK(report.stacks->user_pages == 100);
  CHECK(report.stacks->cut_short_pages == 100);
}

TEST_CASE("a report without stacks has none") {
  lives::LifeTable table({});
  table.apply(facts::SessionKnown{});
  CHECK_FALSE(table.take().stacks);
}
