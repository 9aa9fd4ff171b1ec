#include <catch2/catch.hpp>
#include <cstdint>
#include <optional>

#include "base/optional_bytes.h"

using memspike::OptionalBytes;

namespace {

using Optional = std::optional<std::uint64_t>;

}  // namespace

TEST_CASE("optional bytes go to std::optional and back") {
  for (const Optional& bytes : {Optional{}, Optional{0}, Optional{4096}, Optional{INT64_MAX}}) {
    const OptionalBytes packed = bytes;
    const Optional back = packed;
    CHECK(back == bytes);
    CHECK(packed.has_value() == bytes.has_value());
    CHECK(static_cast<bool>(packed) == bytes.has_value());
    CHECK(packed.value_or(7) == bytes.value_or(7));
    if (bytes) CHECK(*packed == *bytes);
  }
}

TEST_CASE("none equals none, whichever kind, and no number of bytes") {
  const OptionalBytes none;
  CHECK(none == OptionalBytes(std::nullopt));
  CHECK((none == Optional{}));
  CHECK((Optional{} == none));
  CHECK(none != OptionalBytes(0));
  CHECK_FALSE((none == Optional{0}));
  CHECK_FALSE((Optional{0} == none));
  CHECK((OptionalBytes(5) == Optional{5}));
  CHECK((Optional{5} == OptionalBytes(5)));
  CHECK(OptionalBytes(5) == std::uint64_t{5});
  CHECK(OptionalBytes(5) != OptionalBytes(6));
}
