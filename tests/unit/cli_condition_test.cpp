// Conditions as CI writes them.
#include <catch2/catch.hpp>

#include "cli/condition.h"

using namespace memspike;
using cli::parse_condition;
using cli::tell_if_met;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

report::Memcg memcg_of(std::uint64_t peak_mib, std::optional<std::uint64_t> limit_mib) {
  report::Memcg memcg;
  memcg.usage.peak_bytes = peak_mib * kMiB;
  if (limit_mib) memcg.limit_bytes = *limit_mib * kMiB;
  return memcg;
}

bool is_met(std::string_view text, const report::Memcg& memcg) {
  const auto condition = parse_condition(text);
  REQUIRE(condition);
  return tell_if_met(*condition, memcg).has_value();
}

}  // namespace

TEST_CASE("a condition is a subject, a relation and a size, a share of the limit, or a count") {
  for (const char* text : {"peak > 90%", "peak>90%", "  burst >= 1.5Gi ", "headroom<10Mi", "kills > 0",
                           "peak <= 52428800", "headroom < 12.5 %"}) {
    CHECK(parse_condition(text));
  }
  for (const char* text : {"", "peak", "peak >", "> 90%", "peak ! 3", "peak > -1Mi", "kills > 5%",
                           "kills > x", "peak > 90%%", "speed > 3", "peak > 1Mi or kills > 0"}) {
    INFO(text);
    const auto refused = parse_condition(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::usage);
  }
}

TEST_CASE("a condition is judged at its border, to the byte") {
  report::Memcg memcg = memcg_of(45, 50);
  CHECK_FALSE(is_met("peak > 90%", memcg));
  CHECK(is_met("peak >= 90%", memcg));
  CHECK(is_met("headroom <= 5Mi", memcg));
  CHECK_FALSE(is_met("headroom < 5Mi", memcg));
  CHECK(is_met("headroom <= 10%", memcg));
  memcg.usage.peak_bytes += 1;
  CHECK(is_met("peak > 90%", memcg));
  CHECK(is_met("headroom < 5Mi", memcg));
  CHECK_FALSE(is_met("kills > 0", memcg));
  memcg.kernel_oom_kills = 2;
  CHECK(tell_if_met(*parse_condition("kills > 1"), memcg) == "kills > 1: 2 OOM kills");
  CHECK(tell_if_met(*parse_condition("peak > 80%"), memcg) ==
        "peak > 80%: the peak was 45.0 MiB, 90.0 % of the limit of 50.0 MiB");
}

TEST_CASE("page cache that reclaim takes back is no lack of headroom") {
  report::Memcg memcg = memcg_of(50, 50);
  CHECK(is_met("headroom < 1Mi", memcg));
  memcg.shown.hold(0, 1'000'000'000, 20 * kMiB);
  memcg.working_set_known = true;
  CHECK_FALSE(is_met("headroom < 30Mi", memcg));
  CHECK(is_met("peak >= 100%", memcg));
}

TEST_CASE("what has no limit has no share of one") {
  CHECK_FALSE(is_met("peak > 1%", memcg_of(45, {})));
  CHECK_FALSE(is_met("headroom < 1Gi", memcg_of(45, {})));
}
