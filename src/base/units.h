// Sizes and durations as people write them, and as they like to read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace memspike {

// Parses a size as Kubernetes quantities and people write it: "52428800",
// "50Mi", "50MiB", "50M" (10^6), "1.5Gi", "500k". Bytes. ErrorKind::usage on
// anything else, on negative values and on more than 2^63-1 bytes.
Result<std::uint64_t> parse_size_bytes(std::string_view text);

// Parses a duration: "500ms", "30s", "5m", "1h", "250us", "1m30s". Nanoseconds.
// A bare number is refused (seconds or milliseconds?), as is zero.
Result<std::uint64_t> parse_duration_ns(std::string_view text);

// "0 B", "512 B", "4.0 KiB", "38.2 MiB", "1.50 GiB": binary units, three or four digits.
std::string format_bytes(std::uint64_t bytes);

// "850 ns", "12.4 µs", "3.21 ms", "1.50 s", "2m05s", "3h04m": `micro` is the
// text before the s of microseconds ("µ", or "u" where the locale is not UTF-8).
std::string format_duration(std::uint64_t ns, std::string_view micro = "\xc2\xb5");

// RFC 3339 UTC with microseconds: "2026-11-24T10:06:13.123456Z".
std::string format_utc(std::uint64_t realtime_ns);

// The same back, and as reports print times: "2026-11-24T10:06:13.123456Z", "2026-11-24 10:06:13 UTC",
// "11-24 10:06:13.123", "10:06:13", "10:06", with any number of decimals. What is missing of the date is that
// of `about_ns`, or of the day or the year after it where that is nearer. ErrorKind::usage.
Result<std::uint64_t> parse_utc_ns(std::string_view text, std::uint64_t about_ns);

}  // namespace memspike
