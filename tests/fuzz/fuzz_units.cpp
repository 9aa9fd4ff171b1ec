// Sizes and durations as people write them, and whatever else a command line may hold.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/units.h"
#include "require.h"

using namespace memspike;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = parse_size_bytes(text)) {
    FUZZ_REQUIRE(*bytes <= INT64_MAX);
    FUZZ_REQUIRE(!format_bytes(*bytes).empty());
    // A plain number means itself: exactly, up to the 8 PiB that a double counts one by one.
    const bool is_integer = text.find_first_not_of("0123456789") == std::string_view::npos;
    constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
    if (is_integer && *bytes < kExact) {
      FUZZ_REQUIRE(std::strtoull(std::string(text).c_str(), nullptr, 10) == *bytes);
    }
  } else {
    FUZZ_REQUIRE(bytes.error().kind == ErrorKind::usage);
  }
  if (const auto ns = parse_duration_ns(text)) {
    FUZZ_REQUIRE(*ns > 0);
    FUZZ_REQUIRE(!format_duration(*ns).empty());
    FUZZ_REQUIRE(format_utc(*ns).size() >= std::string_view("1970-01-01T00:00:00.000000Z").size());
  } else {
    FUZZ_REQUIRE(ns.error().kind == ErrorKind::usage);
  }
  return 0;
}
