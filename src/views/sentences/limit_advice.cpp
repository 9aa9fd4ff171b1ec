#include "views/sentences/limit_advice.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>

#include "advice/advice.h"
#include "base/utf8.h"
#include "views/kit/cells.h"
#include "views/sentences/blind_spot.h"
#include "views/sentences/verdict.h"

namespace memspike::views {
namespace {

using advice::Advice;
using advice::Basis;
using advice::Bound;
using report::LimitAdvice;

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::uint64_t kShortNs = 600'000'000'000;

// As Kubernetes and systemd take it. All of them are whole Mi but perhaps the current limit.
std::string quantity(std::uint64_t bytes) {
  return bytes % kMiB == 0 ? fmt::format("{}Mi", bytes / kMiB) : std::to_string(bytes);
}

std::string limit_of(const Bound& bound) {
  return fmt::format("{}{}", bound.at_least ? fmt::format("at least{}", kGlue) : "",
                     quantity(bound.limit_bytes));
}

std::string told_by(const LimitAdvice& limits, const Page& page) {
  std::string settings;
  for (const process::Runtime& runtime : limits.runtimes) {
    if (!runtime.told_bytes) continue;
    settings += fmt::format("{}{}", settings.empty() ? "" : ", ", page.escape(runtime.setting));
  }
  return settings;
}

// Where the limit comes from: "48.8 MiB, the highest rise, and 10 %".
std::string basis_of(const LimitAdvice& limits, const Page& page) {
  const Advice& advice = limits.advice;
  const auto with_margin = [&](const std::string& what) {
    return fmt::format("{}, {}, and {}{}%", page.bytes(advice.basis_bytes), what, advice::kMarginPercent,
                       kGlue);
  };
  switch (advice.basis) {
    case Basis::spikes:
      return with_margin(!advice.all().at_least               ? "the highest rise"
                         : advice.held_down == advice.cut_off ? "where memory.high held it down"
                                                              : "where rises were cut off");
    case Basis::extrapolated:
      return with_margin("where their slope leads");
    case Basis::held:
      return with_margin("the most it held");
    case Basis::told:
      return with_margin(fmt::format("which {} and the rest need", told_by(limits, page)));
    case Basis::level:
      return fmt::format("it lives at {}", page.bytes(advice.basis_bytes));
    case Basis::today:
      return limits.known.killed_from_outside ? "as it is: what killed it is further out"
                                              : "as it is: what was measured fits itself to it";
    case Basis::pod:
      return fmt::format("for its pod, which needs {}", page.bytes(advice.basis_bytes));
  }
  return {};
}

// A line of YAML, and why, as far as there is room.
void write_yaml(Page& page, std::size_t depth, std::string_view text, std::string reason = {}) {
  constexpr std::size_t kReasonColumn = 26;
  for (char& c : reason) c = c == kGlue ? ' ' : c;
  std::string line(kIndent + 2 * depth, ' ');
  line += text;
  const std::size_t used = std::max(display_width(line) + 2, kReasonColumn);
  std::string comment;
  if (!reason.empty() && used + 2 + display_width(reason) <= page.style().columns) {
    comment = std::string(used - display_width(line), ' ') +
              paint(fmt::format("# {}", reason), Tone::faint, page.style());
  }
  page.raw(paint(line, Tone::strong, page.style()) + comment + '\n');
}

void write_resources(Page& page, const LimitAdvice& limits) {
  const Advice& advice = limits.advice;
  write_yaml(page, 0, "resources:");
  if (advice.request_bytes) {
    write_yaml(page, 1, "requests:");
    write_yaml(page, 2, "memory: " + quantity(*advice.request_bytes),
               fmt::format("it lives at {}", page.bytes(*limits.known.level_bytes)));
  }
  write_yaml(page, 1, "limits:");
  write_yaml(page, 2, "memory: " + quantity(advice.all().limit_bytes),
             (advice.all().at_least ? "at least: " : "") + basis_of(limits, page));
  if (!advice.request_bytes) {
    page.fact("request", "none: there is no level that it lives at", Tone::faint);
  }
}

void write_number(Page& page, const LimitAdvice& limits) {
  page.fact("limit", fmt::format("{}: {}", limit_of(limits.advice.all()), basis_of(limits, page)),
            Tone::strong);
}

// A pod's limit is no line of its own: it is changed through its containers'.
void write_pod(Page& page, const LimitAdvice& limits, bool is_pod) {
  if (!limits.pod_limit_bytes) return;
  page.fact("pod", fmt::format("{} with what is advised for its containers: their sum{}",
                               quantity(*limits.pod_limit_bytes), is_pod ? "" : " is the pod's limit"));
}

// How to have it take no more than it is told, whatever the limit.
std::string pin_of(const process::Runtime& runtime) {
  if (runtime.name == "JVM") return "Pin it with -Xmx";
  if (runtime.name == "Node.js") return "Pin it with --max-old-space-size";
  return "Pin it with DOTNET_GCHeapHardLimit";
}

// What was measured is what the runtime made of its settings and of the limit that it found.
void write_runtimes(Page& page, const LimitAdvice& limits) {
  for (const process::Runtime& runtime : limits.runtimes) {
    const std::string name = page.escape(runtime.name);
    if (runtime.told_bytes) {
      page.fact("runtime", fmt::format("{} may take {} by {}: a lower limit needs a lower setting", name,
                                       page.bytes(*runtime.told_bytes), page.escape(runtime.setting)));
    } else if (runtime.follows_limit) {
      page.fact("runtime",
                fmt::format(
                    "{} fits itself to the limit{}: under another one it is not what was measured. {}", name,
                    runtime.setting.empty() ? "" : " by " + page.escape(runtime.setting), pin_of(runtime)),
                Tone::warn);
    }
  }
}

void write_bounds(Page& page, const Advice& advice) {
  const auto same = [&](const Bound& bound) {
    return bound.limit_bytes == advice.all().limit_bytes && bound.at_least == advice.all().at_least;
  };
  if (std::all_of(advice.bounds.begin(), advice.bounds.end(), same)) {
    page.fact("to hold",
              fmt::format("all rises, 99{0}% or 95{0}% of them: {1}", kGlue, limit_of(advice.all())));
    return;
  }
  std::string text;
  for (const Bound& bound : advice.bounds) {
    text += fmt::format("{}{} {}", text.empty() ? "" : page.separator(),
                        bound.percent == 100 ? "all rises:" : fmt::format("{}{}%:", bound.percent, kGlue),
                        limit_of(bound));
  }
  page.fact("to hold", text);
}

// Points that hold no more than the one before say nothing, but for the current limit and the advice.
void write_curve(Page& page, const Advice& advice, std::optional<std::uint64_t> limit_bytes) {
  std::string text;
  std::optional<advice::Candidate> last;
  for (const advice::Candidate& point : advice.curve) {
    const bool now = point.limit_bytes == limit_bytes;
    const bool same = last && last->held == point.held && last->unknown == point.unknown;
    last = point;
    if (same && !now && point.limit_bytes != advice.all().limit_bytes) continue;
    const std::string unknown =
        point.unknown == 0 ? "" : fmt::format("{0}to{0}{1}", kGlue, grouped(point.held + point.unknown));
    text += fmt::format("{}{}{}:{}{}{}", text.empty() ? "" : page.separator(),
                        now ? page.bytes(point.limit_bytes) : quantity(point.limit_bytes),
                        now ? fmt::format("{}(now)", kGlue) : "", kGlue, grouped(point.held), unknown);
  }
  page.fact("holds", fmt::format("{} of the {}", text, counted(advice.spikes, "rise")));
}

void write_time_above(Page& page, const advice::TimeAbove& above) {
  if (above.limited_ns == 0) return;
  std::string text;
  for (std::size_t i = 0; i < advice::TimeAbove::kPercents.size(); ++i) {
    const double ppm = static_cast<double>(above.above_ns[i]) / static_cast<double>(above.limited_ns) * 1e6;
    std::uint64_t whole = static_cast<std::uint64_t>(ppm);
    if (whole == 0 && above.above_ns[i] > 0) whole = 1;
    text += fmt::format("{}{}{}%{} for {}{}", i == 0 ? "" : page.separator(), advice::TimeAbove::kPercents[i],
                        kGlue, i == 0 ? " of the limit" : "", percent_of_ppm(whole),
                        i == 0 ? " of the time" : "");
  }
  page.fact("above", text);
}

void doubt_heights(Page& page, const Advice& advice) {
  if (advice.knows_no_height()) {
    page.fact("", "every rise was cut off: nothing bounds the limit from above, this is a floor", Tone::warn);
  } else if (advice.all().at_least) {
    page.fact(
        "",
        fmt::format("how high {} would have gone is not known",
                    advice.cut_off == 1 ? "the one that was cut off"
                                        : fmt::format("the {} that were cut off", grouped(advice.cut_off))),
        Tone::warn);
  }
}

// Kills that no limit of its own prevents.
void doubt_causes(Page& page, const report::Subject& subject, const report::Report& report) {
  for (const Verdict& verdict : verdicts_of(subject, 0, report, page)) {
    if (verdict.own) continue;
    page.fact("",
              fmt::format("{} {}: {}", counted(verdict.kills, "kill"), verdict.cause,
                          verdict.node ? "no limit here helps against that"
                                       : "that limit has to rise, this one alone does not help"),
              Tone::warn);
  }
}

// Page cache counts, but is given back under pressure.
void doubt_cache(Page& page, const report::Memcg& memcg) {
  const std::uint64_t highest = memcg.shown.highest_bytes();
  if (!memcg.working_set_known || highest == 0 || highest >= memcg.usage.peak_bytes / 4 * 3) return;
  page.fact("",
            fmt::format("this counts page cache that can be reclaimed: the working set peaked at {}",
                        page.bytes(highest)),
            Tone::warn);
}

// What is put to sleep before it reaches the limit shows no more than that.
void doubt_high(Page& page, const report::Memcg& memcg) {
  if (!memcg.at_limit.was_held_at_high()) return;
  page.fact(
      "",
      fmt::format("memory.high of {} held it down: it wants more than was seen, and a limit helps only where "
                  "memory.high rises with it",
                  page.bytes(*memcg.at_limit.high_bytes)),
      Tone::warn);
}

void write_basis(Page& page, const Advice& advice, const report::Report& report) {
  std::string text =
      fmt::format("{} in {}", counted(advice.spikes, "rise"), page.duration(report.session.duration_ns));
  const std::uint64_t killed = advice.cut_off - advice.held_down;
  if (killed > 0) text += fmt::format(", {} cut off by an OOM kill", grouped(killed));
  if (advice.held_down > 0) text += fmt::format(", {} held down by memory.high", grouped(advice.held_down));
  if (report.session.duration_ns < kShortNs) text += ": a longer recording may hold higher ones";
  page.fact("from", text);
}

// A pod's limit is made of its containers', the sandbox has none.
bool has_limit_to_set(const report::Memcg& memcg) {
  if (memcg.role == facts::Role::sandbox) return false;
  return memcg.role != facts::Role::pod || memcg.limit_bytes.has_value();
}

}  // namespace

std::string advice_sentence(const report::Subject& subject, const Page& page) {
  const report::Memcg& memcg = subject.memcg;
  if (!subject.limits || !has_limit_to_set(memcg)) return "";
  const LimitAdvice& limits = *subject.limits;
  std::string text =
      fmt::format("limits.memory: {} ({})", limit_of(limits.advice.all()), basis_of(limits, page));
  if (memcg.role == facts::Role::container) {
    text +=
        page.separator() + (limits.advice.request_bytes
                                ? fmt::format("requests.memory: {}", quantity(*limits.advice.request_bytes))
                                : "no level to live at to request");
  }
  if (limits.pod_limit_bytes) {
    text += fmt::format("{}the pod's limit becomes {}", page.separator(), quantity(*limits.pod_limit_bytes));
  }
  for (const process::Runtime& runtime : limits.runtimes) {
    if (runtime.told_bytes || !runtime.follows_limit) continue;
    text += fmt::format("{}{} fits itself to the limit. {}", page.separator(), page.escape(runtime.name),
                        pin_of(runtime));
  }
  return text;
}

void write_advice(Page& page, const report::Subject& subject, const report::Report& report) {
  const report::Memcg& memcg = subject.memcg;
  if (!subject.limits || !has_limit_to_set(memcg)) return;
  const LimitAdvice& limits = *subject.limits;
  const Advice* const advice = &limits.advice;
  heading(page, "limit advice");
  if (memcg.role == facts::Role::container) {
    write_resources(page, limits);
  } else {
    write_number(page, limits);
  }
  write_pod(page, limits, memcg.role == facts::Role::pod);
  write_runtimes(page, limits);
  write_basis(page, *advice, report);
  write_bounds(page, *advice);
  write_curve(page, *advice, memcg.limit_bytes);
  write_time_above(page, memcg.observed.time_above);
  doubt_heights(page, *advice);
  doubt_causes(page, subject, report);
  doubt_cache(page, memcg);
  doubt_high(page, memcg);
}

}  // namespace memspike::views
