#include "report/limit_advice.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>

#include "advice/advice.h"
#include "report/blind_spot.h"
#include "report/cells.h"
#include "report/utf8.h"
#include "report/verdict.h"

namespace memspike::report {
namespace {

using advice::Advice;
using advice::Bound;

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

// Where the limit comes from: "48.8 MiB, the highest spike, and 10 %".
std::string basis_of(const Advice& advice, const Page& page) {
  const char* const what = advice.extrapolated_bytes ? "where their slope leads"
                           : advice.all().at_least   ? "where spikes were cut off"
                                                     : "the highest spike";
  return fmt::format("{}, {}, and {}{}%", page.bytes(advice.all().height_bytes), what, advice::kMarginPercent,
                     kGlue);
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

void write_resources(Page& page, const Advice& advice, const Usage& usage) {
  write_yaml(page, 0, "resources:");
  if (advice.request_bytes) {
    write_yaml(page, 1, "requests:");
    write_yaml(page, 2, "memory: " + quantity(*advice.request_bytes),
               fmt::format("it lives at {}", page.bytes(*usage.typical_bytes)));
  }
  write_yaml(page, 1, "limits:");
  write_yaml(page, 2, "memory: " + quantity(advice.all().limit_bytes),
             (advice.all().at_least ? "at least: " : "") + basis_of(advice, page));
}

void write_number(Page& page, const Advice& advice) {
  page.fact("limit", fmt::format("{}: {}", limit_of(advice.all()), basis_of(advice, page)), Tone::strong);
}

void write_bounds(Page& page, const Advice& advice) {
  const auto same = [&](const Bound& bound) {
    return bound.limit_bytes == advice.all().limit_bytes && bound.at_least == advice.all().at_least;
  };
  if (std::all_of(advice.bounds.begin(), advice.bounds.end(), same)) {
    page.fact("to hold",
              fmt::format("all spikes, 99{0}% or 95{0}% of them: {1}", kGlue, limit_of(advice.all())));
    return;
  }
  std::string text;
  for (const Bound& bound : advice.bounds) {
    text += fmt::format("{}{} {}", text.empty() ? "" : page.separator(),
                        bound.percent == 100 ? "all spikes:" : fmt::format("{}{}%:", bound.percent, kGlue),
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
  page.fact("holds", fmt::format("{} of the {}", text, counted(advice.spikes, "spike")));
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
    page.fact("", "every spike was cut off: nothing bounds the limit from above, this is a floor",
              Tone::warn);
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
void doubt_causes(Page& page, const Subject& subject, const Report& report) {
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
void doubt_cache(Page& page, const Memcg& memcg) {
  const std::uint64_t highest = memcg.shown.highest_bytes();
  if (!memcg.working_set_known || highest == 0 || highest >= memcg.usage.peak_bytes / 4 * 3) return;
  page.fact("",
            fmt::format("this counts page cache that can be reclaimed: the working set peaked at {}",
                        page.bytes(highest)),
            Tone::warn);
}

void write_basis(Page& page, const Advice& advice, const Report& report) {
  std::string text =
      fmt::format("{} in {}", counted(advice.spikes, "spike"), page.duration(report.session.duration_ns));
  if (advice.cut_off > 0) text += fmt::format(", {} cut off by an OOM kill", grouped(advice.cut_off));
  if (report.session.duration_ns < kShortNs) text += ": a longer recording may hold higher ones";
  page.fact("from", text);
}

// A pod's limit is made of its containers', the sandbox has none.
bool has_limit_to_set(const Memcg& memcg) {
  if (memcg.role == Role::sandbox) return false;
  return memcg.role != Role::pod || memcg.limit_bytes.has_value();
}

}  // namespace

void write_advice(Page& page, const Subject& subject, const Report& report) {
  const Memcg& memcg = subject.memcg;
  const auto advice = advice::advise(memcg.observed, memcg.usage.typical_bytes, memcg.limit_bytes);
  if (!advice || !has_limit_to_set(memcg)) return;
  heading(page, "limit advice");
  if (memcg.role == Role::container) {
    write_resources(page, *advice, memcg.usage);
  } else {
    write_number(page, *advice);
  }
  write_basis(page, *advice, report);
  write_bounds(page, *advice);
  write_curve(page, *advice, memcg.limit_bytes);
  write_time_above(page, memcg.observed.time_above);
  doubt_heights(page, *advice);
  doubt_causes(page, subject, report);
  doubt_cache(page, memcg);
}

}  // namespace memspike::report
