#include "views/node/checkup.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/utf8.h"
#include "views/kit/escape.h"

namespace memspike::views {
namespace {

using nlohmann::ordered_json;

struct Sign {
  std::string_view glyph;
  std::string_view ascii;
  Tone tone;
  std::string_view name;  // in JSON
};

constexpr Sign sign_of(CheckState state) {
  switch (state) {
    case CheckState::good:
      return {"✓", "ok", Tone::good, "good"};
    case CheckState::degraded:
      return {"!", "--", Tone::warn, "degraded"};
    case CheckState::blocking:
      return {"✗", "NO", Tone::alarm, "blocking"};
    case CheckState::unknown:
      break;
  }
  return {"?", "??", Tone::faint, "unknown"};
}

std::string painted(const Sign& sign, const TextStyle& style) {
  return paint(style.utf8 ? sign.glyph : sign.ascii, sign.tone, style);
}

class Sheet {
 public:
  Sheet(const Checkup& checkup, const TextStyle& style) : checkup_(checkup), style_(style) {
    constexpr unsigned kLeastColumns = 40;
    columns_ = std::max(style.columns, kLeastColumns);
    for (const Check& check : checkup.checks) names_ = std::max(names_, display_width(check.name));
    text_at_ = 1 + (style.utf8 ? 1 : 2) + 1 + names_ + 2;
  }

  std::string render() {
    heading();
    for (const Check& check : checkup_.checks) add(check);
    out_ += '\n';
    verdict();
    return std::move(out_);
  }

 private:
  std::string escaped(std::string_view text) const { return escape_terminal(text, style_.utf8); }

  // Text that starts at a column which the line has reached, and goes on below it.
  void flow(std::string_view text, std::size_t column, Tone tone = Tone::plain) {
    bool first = true;
    for (const std::string& line : wrap(escaped(text), columns_ - column)) {
      if (!first) out_.append(column, ' ');
      out_ += paint(line, tone, style_) + '\n';
      first = false;
    }
  }

  void advise(std::string_view text, std::size_t column) {
    const std::string_view arrow = style_.utf8 ? "→ " : "-> ";
    out_.append(column, ' ');
    out_ += paint(arrow, Tone::strong, style_);
    flow(text, column + display_width(arrow), Tone::strong);
  }

  void heading() {
    out_ += paint("memspike doctor", Tone::strong, style_);
    out_ += fmt::format(" {} kernel {}\n", glyphs(style_).dot, escaped(checkup_.kernel_release));
    if (!checkup_.disabled.empty()) {
      flow(fmt::format("as if this kernel had no {}", fmt::join(checkup_.disabled, ", ")), 0, Tone::warn);
    }
    out_ += '\n';
  }

  void add(const Check& check) {
    out_ += ' ' + painted(sign_of(check.state), style_) + ' ' + check.name;
    out_.append(names_ - display_width(check.name) + 2, ' ');
    flow(check.detail, text_at_);
    if (check.advice) advise(*check.advice, text_at_);
  }

  std::size_t degraded() const {
    return static_cast<std::size_t>(
        std::count_if(checkup_.checks.begin(), checkup_.checks.end(),
                      [](const Check& check) { return check.state == CheckState::degraded; }));
  }

  void verdict() {
    const std::size_t at = text_at_ - names_ - 2;
    const std::size_t remarks = degraded();
    const CheckState state = !checkup_.can_run() ? CheckState::blocking
                             : remarks > 0       ? CheckState::degraded
                                                 : CheckState::good;
    out_ += ' ' + painted(sign_of(state), style_) + ' ';
    if (!checkup_.can_run()) {
      flow(fmt::format("memspike cannot run here: {}", *checkup_.reason), at, Tone::strong);
      if (checkup_.advice) advise(*checkup_.advice, at);
      return;
    }
    std::string text = fmt::format("memspike can run here: {} tier, {}", checkup_.tier.value_or("no"),
                                   counted(checkup_.hooks.size(), "hook"));
    if (remarks > 0) text += fmt::format("; {} above", counted(remarks, "remark"));
    flow(text, at, Tone::strong);
  }

  const Checkup& checkup_;
  TextStyle style_;
  std::size_t columns_ = 0;
  std::size_t names_ = 0;    // width of the widest name
  std::size_t text_at_ = 0;  // where details start
  std::string out_;
};

ordered_json maybe(const std::optional<std::string>& text) {
  return text ? ordered_json(*text) : ordered_json();
}

}  // namespace

std::string render_checkup_text(const Checkup& checkup, const TextStyle& style) {
  return Sheet(checkup, style).render();
}

std::string render_checkup_json(const Checkup& checkup) {
  ordered_json json;
  json["schema_version"] = 1;
  json["kernel_release"] = checkup.kernel_release;
  json["cgroup_mode"] = maybe(checkup.cgroup_mode);
  json["tier"] = maybe(checkup.tier);
  json["can_run"] = checkup.can_run();
  json["reason"] = maybe(checkup.reason);
  json["advice"] = maybe(checkup.advice);
  json["hooks"] = ordered_json::array();
  for (const facts::Hook& hook : checkup.hooks) {
    json["hooks"].push_back(ordered_json{{"event", hook.event}, {"attach", hook.attach}});
  }
  json["missing"] = checkup.missing;
  json["checks"] = ordered_json::array();
  for (const Check& check : checkup.checks) {
    json["checks"].push_back(ordered_json{{"name", check.name},
                                          {"ok", check.state == CheckState::good},
                                          {"detail", check.detail},
                                          {"advice", maybe(check.advice)},
                                          {"state", sign_of(check.state).name}});
  }
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace memspike::views
