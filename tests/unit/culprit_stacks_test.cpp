// Stacks added up: in the table, and by the builder.
#include <catch2/catch.hpp>

#include "builder_events.h"
#include "culprit/stack_table.h"

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

TEST_CASE("stacks of a session are those of the target's memcgs, in pages") {
  Recording recording({}, [](const std::string& path) {
    report::Description description;
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
  const report::RawStacks stacks = recording.take_stacks(4096);
  CHECK(stacks.pages == 128);
  CHECK(stacks.overflow_pages == 0);
  REQUIRE(stacks.stacks.size() == 1);
  const report::RawStack& only = stacks.stacks[0];
  CHECK(only.memcg == 1);
  CHECK(only.stack.pages == 128);
  CHECK(only.stack.samples == 2);
  CHECK(only.stack.pid == 70);
  CHECK(only.stack.comm == "worker");
  CHECK(only.user == std::vector<std::uint64_t>{1, 2});
  CHECK(only.kernel.size() == 1);
}

TEST_CASE("a report has the stacks of the containers that are reported on, with their totals") {
  report::BuilderOptions options;
  options.containers = {"app"};
  report::Builder builder(options);
  const auto found = [&](report::MemcgIndex memcg, const std::string& name) {
    builder.apply(report::MemcgFound{memcg,
                                     1,
                                     memcg,
                                     {},
                                     "/pod/" + name,
                                     {report::Role::container, report::Container{"id-" + name, name}}});
  };
  found(0, "app");
  found(1, "other");
  builder.apply(report::CodeNamed{{{"/srv/app", ""}}, {{"f", 0, 1}}});
  builder.apply(report::CodeNamed{{{"[kernel]", ""}}, {{"g", 1, 2}, {"h", 99, 3}}});
  builder.apply(report::StackSeen{0, {100, 2, 7, "app", "", {}, {1, 77}, {0, 2}, true}});
  builder.apply(report::StackSeen{0, {10, 1, 7, "app", "", {}, {1}, {}, false}});
  builder.apply(report::StackSeen{1, {1000, 1, 8, "other", "", {}, {1}, {0}, false}});
  builder.apply(report::StackSeen{5, {1000, 1, 8, "nobody", "", {}, {1}, {0}, false}});
  builder.apply(report::StacksCounted{3});
  const report::Report report = builder.take();
  REQUIRE(report.stacks);
  REQUIRE(report.stacks->stacks.size() == 2);
  const report::Stack& first = report.stacks->stacks[0];
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
  report::Builder builder({});
  builder.apply(report::SessionKnown{});
  CHECK_FALSE(builder.take().stacks);
}
