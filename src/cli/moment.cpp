#include "cli/moment.h"

#include <fmt/core.h>

#include "base/units.h"

namespace memspike::cli {

Result<Moment> parse_moment(std::string_view text) {
  Moment moment;
  moment.text = std::string(text);
  if (const auto offset = parse_duration_ns(text)) {
    moment.offset_ns = *offset;
  } else if (text == "0" || text == "0s") {
    moment.offset_ns = 0;
  } else if (!parse_utc_ns(text, 0)) {
    return fail(ErrorKind::usage,
                fmt::format("\"{}\" is neither a time since the start nor one in UTC", text),
                "write it like 1.5s, 14:06:03 or 2026-11-24T13:00:01.123456Z");
  }
  return moment;
}

recording::Bound bound_of(const Moment& moment, std::uint64_t start_realtime_ns) {
  if (moment.offset_ns) return {*moment.offset_ns, false};
  return {parse_utc_ns(moment.text, start_realtime_ns).value_or(start_realtime_ns), true};
}

}  // namespace memspike::cli
