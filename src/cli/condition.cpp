#include "cli/condition.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/units.h"

namespace memspike::cli {
namespace {

using Subject = Condition::Subject;
using Relation = Condition::Relation;

constexpr std::array kSubjects{std::pair{"peak", Subject::peak}, std::pair{"burst", Subject::burst},
                               std::pair{"headroom", Subject::headroom}, std::pair{"kills", Subject::kills}};
// The longer ones first: ">=" begins with ">".
constexpr std::array kRelations{std::pair{">=", Relation::at_least}, std::pair{"<=", Relation::at_most},
                                std::pair{">", Relation::more}, std::pair{"<", Relation::less}};

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::optional<double> number_of(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

bool holds(Relation relation, double left, double right) {
  switch (relation) {
    case Relation::less:
      return left < right;
    case Relation::at_most:
      return left <= right;
    case Relation::more:
      return left > right;
    case Relation::at_least:
      return left >= right;
  }
  return false;
}

std::uint64_t headroom_below(std::uint64_t limit_bytes, const report::Memcg& memcg) {
  const std::uint64_t held = memcg.working_set_known ? memcg.shown.highest_bytes() : memcg.usage.peak_bytes;
  return limit_bytes - std::min(limit_bytes, held);
}

// What it is killed at, or throttled.
std::optional<std::uint64_t> nearest_limit_bytes(const report::Memcg& memcg) {
  const std::optional<std::uint64_t> high_bytes = memcg.at_limit.high_bytes;
  if (!memcg.limit_bytes || !high_bytes) return memcg.limit_bytes ? memcg.limit_bytes : high_bytes;
  return std::min(*memcg.limit_bytes, *high_bytes);
}

// A level counts here, too: whoever asks wants to know how far usage ever rose.
std::uint64_t highest_rise_bytes(const report::Memcg& memcg) {
  std::uint64_t highest = memcg.burst_histograms.height_bytes.max();
  for (const report::Burst& burst : memcg.bursts) highest = std::max(highest, burst.height_bytes());
  return highest;
}

std::optional<std::uint64_t> measured(const Condition& condition, const report::Memcg& memcg) {
  switch (condition.subject) {
    case Subject::peak:
      return memcg.usage.peak_bytes;
    case Subject::burst:
      return highest_rise_bytes(memcg);
    case Subject::headroom:
      if (const auto nearest_bytes = nearest_limit_bytes(memcg)) return headroom_below(*nearest_bytes, memcg);
      return std::nullopt;
    case Subject::kills:
      return std::max<std::uint64_t>(memcg.oom_kills.size(), memcg.kernel_oom_kills.value_or(0));
  }
  return std::nullopt;
}

}  // namespace

Result<Condition> parse_condition(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::usage, fmt::format("\"{}\" is no condition: {}", text, why),
                "write it like 'peak > 90%', 'burst > 50Mi', 'headroom < 10Mi' or 'kills > 0'");
  };
  Condition condition;
  condition.text = std::string(text);
  std::string_view rest = without_spaces(text);
  const auto subject = std::find_if(kSubjects.begin(), kSubjects.end(),
                                    [&](const auto& known) { return rest.starts_with(known.first); });
  if (subject == kSubjects.end()) return refuse("it begins with peak, burst, headroom or kills");
  condition.subject = subject->second;
  rest = without_spaces(rest.substr(std::string_view(subject->first).size()));
  const auto relation = std::find_if(kRelations.begin(), kRelations.end(),
                                     [&](const auto& known) { return rest.starts_with(known.first); });
  if (relation == kRelations.end()) return refuse("then comes >, >=, < or <=");
  condition.relation = relation->second;
  rest = without_spaces(rest.substr(std::string_view(relation->first).size()));
  condition.is_percent = condition.subject != Subject::kills && rest.ends_with('%');
  if (condition.is_percent || condition.subject == Subject::kills) {
    if (condition.is_percent) rest = without_spaces(rest.substr(0, rest.size() - 1));
    const auto number = number_of(rest);
    if (!number || *number < 0) return refuse(fmt::format("\"{}\" is no number", rest));
    condition.value = *number;
    return condition;
  }
  const auto bytes = parse_size_bytes(rest);
  if (!bytes) return refuse(bytes.error().message);
  condition.value = static_cast<double>(*bytes);
  return condition;
}

std::optional<std::string> tell_if_met(const Condition& condition, const report::Memcg& memcg) {
  const auto value = measured(condition, memcg);
  if (!value) return std::nullopt;
  const double limit_bytes = static_cast<double>(memcg.limit_bytes.value_or(0));
  const double percent = limit_bytes > 0 ? static_cast<double>(*value) / limit_bytes * 100 : 0;
  const double compared = condition.is_percent ? percent : static_cast<double>(*value);
  if (condition.is_percent && limit_bytes <= 0) return std::nullopt;
  if (!holds(condition.relation, compared, condition.value)) return std::nullopt;
  if (condition.subject == Subject::kills) {
    return fmt::format("{}: {} OOM {}", condition.text, *value, *value == 1 ? "kill" : "kills");
  }
  const auto* const name = std::find_if(kSubjects.begin(), kSubjects.end(),
                                        [&](const auto& known) { return known.second == condition.subject; });
  const std::string share = condition.is_percent ? fmt::format(", {:.1f} % of the limit of {}", percent,
                                                               format_bytes(memcg.limit_bytes.value_or(0)))
                                                 : "";
  return fmt::format("{}: the {} was {}{}", condition.text, name->first, format_bytes(*value), share);
}

}  // namespace memspike::cli
