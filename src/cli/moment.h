// A moment of a recording, as people give it: `report --from 9m --to 14:06:03`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "recording/window.h"

namespace memspike::cli {

struct Moment {
  std::string text;
  std::optional<std::uint64_t> offset_ns;  // since the recording's start; unset: a time of day, in UTC
};

// ErrorKind::usage.
Result<Moment> parse_moment(std::string_view text);

// Which moment that is of a recording that started then: a time of day without a date is of its day.
recording::Bound bound_of(const Moment& moment, std::uint64_t start_realtime_ns);

}  // namespace memspike::cli
