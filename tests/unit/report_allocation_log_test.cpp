// Who allocated: told in parts, and by more processes than are named.
#include <catch2/catch.hpp>

#include "lives/allocation_log.h"

using namespace memspike::lives;
using namespace memspike::report;

TEST_CASE("parts of one process are one line, and the greatest comes first") {
  AllocationLog log;
  log.add("small", 7, {2});
  log.add("great", 8, {1, 1});
  log.add("small", 7, {0, 0, 1});
  log.add("renamed", 7, {1});
  log.add("nobody", 0, {5});
  log.add("idle", 9, {});
  const Allocations all = log.take();
  CHECK(all.pages == 6 + 3 + 1 + 5);
  CHECK(all.by_order == std::vector<std::uint64_t>{9, 1, 1});
  CHECK(all.unattributed_pages == 5);
  REQUIRE(all.by_process.size() == 3);
  CHECK(all.by_process[0].comm == "small");
  CHECK(all.by_process[0].pages == 6);
  CHECK(all.by_process[1].comm == "great");
  CHECK(all.by_process[2].comm == "renamed");
}

TEST_CASE("of a fork storm the greatest are named, and no page is lost") {
  AllocationLog log;
  constexpr std::uint32_t kStorm = 20'000;
  for (std::uint32_t pid = 1; pid <= kStorm; ++pid) log.add("sh", pid, {pid % 100 == 0 ? 1000U : 1U});
  const Allocations all = log.take();
  CHECK(all.by_process.size() == AllocationLog::kMaxProcesses);
  std::uint64_t pages = all.unattributed_pages;
  std::uint64_t great = 0;
  for (const ProcessPages& process : all.by_process) {
    pages += process.pages;
    great += process.pages == 1000 ? 1 : 0;
  }
  CHECK(pages == all.pages);
  CHECK(great == kStorm / 100);
}
