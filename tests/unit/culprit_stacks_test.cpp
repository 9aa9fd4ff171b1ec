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

TEST_CASE("the builder's stacks are those of wanted memcgs, in pages") {
  report::Builder builder({}, [](const std::string& path) {
    report::Description description;
    description.wanted = path != "/pod/other";
    description.container = report::Container{"id", "app"};
    return description;
  });
  builder.name_cgroup(10, "/pod");
  builder.apply(root_born(100, 0, 10));
  builder.apply(child_born(101, 1, 0, "app"));
  builder.apply(child_born(102, 2, 0, "other"));
  builder.apply(stack(1, 64 * 4096, {1, 2}));
  builder.apply(stack(1, 64 * 4096, {1, 2}));
  builder.apply(stack(2, 64 * 4096, {1, 2}));
  builder.apply(stack(9, 64 * 4096, {1, 2}));  // of a memcg that nobody saw born
  CHECK(builder.orphans() == 1);
  const report::RawStacks stacks = builder.take_stacks();
  CHECK(stacks.pages == 128);
  CHECK(stacks.overflow_pages == 0);
  REQUIRE(stacks.stacks.size() == 1);
  const report::RawStack& only = stacks.stacks[0];
  CHECK(only.stack.pages == 128);
  CHECK(only.stack.samples == 2);
  CHECK(only.stack.pid == 70);
  CHECK(only.stack.comm == "worker");
  CHECK(only.stack.cgroup == "/pod/app");
  CHECK(only.stack.container == "app");
  CHECK(only.user == std::vector<std::uint64_t>{1, 2});
  CHECK(only.kernel.size() == 1);
}
