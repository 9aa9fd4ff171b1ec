#include "base/units.h"

#include <catch2/catch.hpp>

using namespace memspike;

TEST_CASE("sizes read as Kubernetes and people write them") {
  CHECK(parse_size_bytes("50Mi").value() == 50u << 20);
  CHECK(parse_size_bytes("50MiB").value() == 50u << 20);
  CHECK(parse_size_bytes("50M").value() == 50'000'000);
  CHECK(parse_size_bytes("52428800").value() == 52'428'800);
  CHECK(parse_size_bytes("1.5Gi").value() == 1'610'612'736);
  CHECK(parse_size_bytes("0").value() == 0);
  CHECK(parse_size_bytes("500k").value() == 500'000);
}

TEST_CASE("malformed sizes are usage errors that name the input") {
  for (const char* text : {"", "Mi", "-5", "50Xi", "50m", "1Gi5", "99999999999Ti", "5 0"}) {
    INFO(text);
    const auto result = parse_size_bytes(text);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == ErrorKind::usage);
    CHECK(result.error().message.find(text) != std::string::npos);
  }
}

TEST_CASE("durations read with their unit, and only with it") {
  CHECK(parse_duration_ns("500ms").value() == 500'000'000);
  CHECK(parse_duration_ns("30s").value() == 30'000'000'000);
  CHECK(parse_duration_ns("5m").value() == 300'000'000'000);
  CHECK(parse_duration_ns("1h30m").value() == 5'400'000'000'000);
  CHECK(parse_duration_ns("0.5s").value() == 500'000'000);
  for (const char* text : {"", "30", "s", "0s", "5 parsecs", "1e3s", "-1s"}) {
    INFO(text);
    CHECK_FALSE(parse_duration_ns(text));
  }
}

TEST_CASE("bytes and durations print with three or four digits") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(40'055'603) == "38.2 MiB");
  CHECK(format_bytes(1'048'575) == "1.0 MiB");
  CHECK(format_bytes(1'610'612'736) == "1.50 GiB");
  CHECK(format_duration(850) == "850 ns");
  CHECK(format_duration(12'400, "u") == "12.4 us");
  CHECK(format_duration(3'214'000) == "3.21 ms");
  CHECK(format_duration(1'500'000'000) == "1.50 s");
  CHECK(format_duration(125'000'000'000) == "2m05s");
  CHECK(format_duration(11'040'000'000'000) == "3h04m");
}

TEST_CASE("UTC has microseconds and never rounds into the future") {
  CHECK(format_utc(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(format_utc(1'795'514'773'123'456'999) == "2026-11-24T10:06:13.123456Z");
}

TEST_CASE("times are read as reports print them, and completed by the recording's date") {
  const std::uint64_t about = 1'795'514'773'123'456'999;  // 2026-11-24T10:06:13
  const auto read = [&](const char* text) {
    const auto ns = parse_utc_ns(text, about);
    return ns ? format_utc(*ns) : "";
  };
  for (const char* text : {"2026-11-24T10:06:13.5Z", "2026-11-24 10:06:13.5 UTC", "2026-11-24 10:06:13.50",
                           "11-24 10:06:13.500", "10:06:13.500000"}) {
    CHECK(read(text) == "2026-11-24T10:06:13.500000Z");
  }
  CHECK(read("10:06") == "2026-11-24T10:06:00.000000Z");
  CHECK(read("22:00") == "2026-11-24T22:00:00.000000Z");
  CHECK(read("09:59:59") == "2026-11-24T09:59:59.000000Z");
  const auto late = parse_utc_ns("2026-12-31T23:00:00Z", 0);
  REQUIRE(late);
  CHECK(format_utc(*parse_utc_ns("01:00", *late)) == "2027-01-01T01:00:00.000000Z");
  CHECK(format_utc(*parse_utc_ns("01-01 01:00", *late)) == "2027-01-01T01:00:00.000000Z");
  for (const char* text : {"", "x", "9m", "1h30m", "10", "10:06:13.", "10:06:13+01:00", "1:2:3:4",
                           "2026-13-01T00:00:00Z", "2026-11-24", "25:00", "10:61"}) {
    INFO(text);
    CHECK_FALSE(parse_utc_ns(text, about));
  }
}
