#include "base/units.h"

#include <fmt/core.h>

#include <array>
#include <cctype>
#include <cmath>
#include <ctime>
#include <limits>
#include <optional>

namespace memspike {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// Kubernetes quantities (resource.Quantity), and the spellings people use beside them.
constexpr std::array kSizeUnits{
    Unit{"", 1},         Unit{"b", 1},        Unit{"k", 1e3},      Unit{"kb", 1e3},     Unit{"m", 1e6},
    Unit{"mb", 1e6},     Unit{"g", 1e9},      Unit{"gb", 1e9},     Unit{"t", 1e12},     Unit{"tb", 1e12},
    Unit{"ki", 1024.0},  Unit{"kib", 1024.0}, Unit{"mi", 0x1p20},  Unit{"mib", 0x1p20}, Unit{"gi", 0x1p30},
    Unit{"gib", 0x1p30}, Unit{"ti", 0x1p40},  Unit{"tib", 0x1p40},
};

constexpr std::array kDurationUnits{
    Unit{"ns", 1},  Unit{"us", 1e3}, Unit{"\xc2\xb5s", 1e3}, Unit{"ms", 1e6},
    Unit{"s", 1e9}, Unit{"m", 60e9}, Unit{"h", 3600e9},
};

struct Quantity {
  double number = 0;
  std::string_view unit;
  std::string_view rest;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Splits "1.5Gi" into 1.5 and "Gi"; the unit ends where the next number begins.
bool split_quantity(std::string_view text, Quantity& out) {
  std::size_t i = 0;
  double number = 0;
  bool digits = false;
  for (; i < text.size() && is_digit(text[i]); ++i, digits = true) number = number * 10 + (text[i] - '0');
  if (i < text.size() && text[i] == '.') {
    double scale = 0.1;
    for (++i; i < text.size() && is_digit(text[i]); ++i, scale /= 10, digits = true) {
      number += (text[i] - '0') * scale;
    }
  }
  if (!digits) return false;
  std::size_t unit_end = i;
  while (unit_end < text.size() && !is_digit(text[unit_end]) && text[unit_end] != '.') ++unit_end;
  out = {number, text.substr(i, unit_end - i), text.substr(unit_end)};
  return true;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

template <class Units>
const Unit* find_unit(const Units& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::time_t kDaySeconds = 86'400;
constexpr std::time_t kYearSeconds = 365 * kDaySeconds;

enum class Missing { nothing, year, date };

struct Date {
  Missing missing = Missing::nothing;
  const char* rest = nullptr;
};

// "2026-11-24T", "2026-11-24 ", "11-24 " or nothing.
std::optional<Date> parse_date(const char* text, std::tm& parts) {
  std::tm tried = parts;
  const char* rest = strptime(text, "%Y-%m-%d", &tried);
  Missing missing = Missing::nothing;
  if (rest == nullptr) {
    tried = parts;
    missing = Missing::year;
    rest = strptime(text, "%m-%d", &tried);
  }
  if (rest == nullptr) return Date{Missing::date, text};
  if (*rest != 'T' && *rest != ' ') return std::nullopt;
  parts = tried;
  return Date{missing, rest + 1};
}

struct Clock {
  std::uint64_t fraction_ns = 0;
  const char* rest = nullptr;
};

// "10:06:13.123", "10:06:13" or "10:06".
std::optional<Clock> parse_clock(const char* text, std::tm& parts) {
  parts.tm_sec = 0;
  const char* rest = strptime(text, "%H:%M:%S", &parts);
  if (rest == nullptr) {
    parts.tm_sec = 0;
    rest = strptime(text, "%H:%M", &parts);
    return rest == nullptr ? std::nullopt : std::optional(Clock{0, rest});
  }
  std::uint64_t fraction_ns = 0;
  if (*rest != '.') return Clock{0, rest};
  const char* const first = ++rest;
  for (std::uint64_t unit = kSecondNs / 10; is_digit(*rest); ++rest, unit /= 10) {
    fraction_ns += static_cast<std::uint64_t>(*rest - '0') * unit;
  }
  return rest == first ? std::nullopt : std::optional(Clock{fraction_ns, rest});
}

bool is_utc(std::string_view zone) { return zone.empty() || zone == "Z" || zone == " UTC"; }

constexpr double kMax = 9.2e18;  // just below 2^63, exactly comparable as a double

}  // namespace

Result<std::uint64_t> parse_size_bytes(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::usage, fmt::format("\"{}\" is not a size: {}", text, why),
                "write it like 50Mi, 50M, 1.5Gi or 52428800");
  };
  Quantity quantity;
  if (!split_quantity(text, quantity)) return refuse("it does not start with a number");
  if (!quantity.rest.empty()) return refuse("it has more than one number");
  // Kubernetes' "m" is milli, which nobody means for memory: refuse it rather than guess.
  if (quantity.unit == "m") return refuse("\"m\" is milli to Kubernetes; M is 10^6, Mi is 2^20");
  const Unit* unit = find_unit(kSizeUnits, lower(quantity.unit));
  if (unit == nullptr) return refuse(fmt::format("unknown unit \"{}\"", quantity.unit));
  const double bytes = quantity.number * unit->factor;
  if (bytes > kMax) return refuse("it is too large");
  return static_cast<std::uint64_t>(std::llround(bytes));
}

Result<std::uint64_t> parse_duration_ns(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::usage, fmt::format("\"{}\" is not a duration: {}", text, why),
                "write it like 500ms, 30s, 5m or 1h30m");
  };
  double total_ns = 0;
  std::string_view rest = text;
  do {
    Quantity quantity;
    if (!split_quantity(rest, quantity)) return refuse("it does not start with a number");
    if (quantity.unit.empty()) return refuse("it has no unit");
    const Unit* unit = find_unit(kDurationUnits, quantity.unit);
    if (unit == nullptr) return refuse(fmt::format("unknown unit \"{}\"", quantity.unit));
    total_ns += quantity.number * unit->factor;
    rest = quantity.rest;
  } while (!rest.empty());
  if (total_ns < 1) return refuse("it must be more than zero");
  if (total_ns > kMax) return refuse("it is too long");
  return static_cast<std::uint64_t>(std::llround(total_ns));
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array names{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would print as "1024.0": go on to the next unit from there.
  while (value >= 1023.95 && unit + 1 < names.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, unit >= 2 && value < 100 ? 2 : 1, names[unit]);
}

std::string format_duration(std::uint64_t ns, std::string_view micro) {
  const auto three_digits = [](double value, std::string_view unit) {
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f} {}", value, decimals, unit);
  };
  const double value = static_cast<double>(ns);
  if (ns < 1000) return fmt::format("{} ns", ns);
  if (value < 999.5e3) return three_digits(value / 1e3, fmt::format("{}s", micro));
  if (value < 999.5e6) return three_digits(value / 1e6, "ms");
  if (value < 59.95e9) return three_digits(value / 1e9, "s");
  const std::uint64_t seconds = (ns + 500'000'000) / 1'000'000'000;
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
}

std::string format_utc(std::uint64_t realtime_ns) {
  const std::uint64_t micros = realtime_ns / 1000;  // truncates: never names a moment still to come
  const auto seconds = static_cast<std::time_t>(micros / 1'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, micros % 1'000'000);
}

Result<std::uint64_t> parse_utc_ns(std::string_view text, std::uint64_t about_ns) {
  const auto refuse = [&] {
    return fail(ErrorKind::usage, fmt::format("\"{}\" is not a time in UTC", text),
                "write it like 14:06:03 or 2026-11-24T13:00:01.123456Z");
  };
  const std::string copy(text);
  const auto about = static_cast<std::time_t>(about_ns / kSecondNs);
  std::tm parts{};
  gmtime_r(&about, &parts);
  const auto date = parse_date(copy.c_str(), parts);
  const auto time = date ? parse_clock(date->rest, parts) : std::nullopt;
  if (!time || !is_utc(time->rest)) return refuse();
  std::time_t seconds = timegm(&parts);
  if (seconds < 0) return refuse();
  // Far before: it is of the next night, or of the next year.
  if (date->missing == Missing::date && about - seconds > kDaySeconds / 2) seconds += kDaySeconds;
  if (date->missing == Missing::year && about - seconds > kYearSeconds / 2) {
    ++parts.tm_year;
    seconds = timegm(&parts);
  }
  return static_cast<std::uint64_t>(seconds) * kSecondNs + time->fraction_ns;
}

}  // namespace memspike
