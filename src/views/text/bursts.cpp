#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "blindspot/scraper.h"
#include "facts/names.h"
#include "views/kit/cells.h"
#include "views/kit/table.h"
#include "views/sentences/blind_spot.h"
#include "views/sentences/composition_text.h"
#include "views/sentences/near_miss_text.h"
#include "views/text/tables.h"

namespace memspike::views {
namespace {

constexpr std::size_t kMaxRows = 20;

using report::Burst;

bool is_kill(const Burst& burst) { return burst.outcome == spike::Outcome::oom_kill; }

Cell outcome_cell(const Burst& burst) {
  switch (burst.outcome) {
    case spike::Outcome::fell:
      return "fell";
    case spike::Outcome::oom_kill:
      return {"OOM kill", Tone::alarm};
    case spike::Outcome::ongoing:
      return {"still up", Tone::warn};
    case spike::Outcome::removed:
      return "removed";
  }
  return "";
}

// Of a scraper that looks every 30 s, while usage is above nine tenths of the height.
std::string cell_chance(std::uint64_t crest_ns) {
  constexpr std::uint64_t kPeriodNs = 30'000'000'000;
  std::string text = percent_of_ppm(blindspot::chance_ppm(crest_ns, kPeriodNs));
  std::replace(text.begin(), text.end(), kGlue, ' ');
  return text;
}

// The rows to show, in order of time: those that killed, then the highest.
std::vector<Burst> most_telling(std::vector<Burst> bursts, std::size_t most) {
  const auto rank = [](const Burst& burst) { return std::pair(is_kill(burst), burst.height_bytes()); };
  const auto sort_by = [&](auto&& before) { std::stable_sort(bursts.begin(), bursts.end(), before); };
  sort_by([&](const Burst& a, const Burst& b) { return rank(a) > rank(b); });
  if (bursts.size() > most) bursts.resize(most);
  sort_by([](const Burst& a, const Burst& b) { return a.top.time_ns < b.top.time_ns; });
  return bursts;
}

// find_peaks' own figure, where it is another one: less than a hundredth apart is none.
bool has_other_prominence(const Burst& burst) {
  if (!burst.prominence_bytes) return false;
  const std::uint64_t height_bytes = burst.height_bytes();
  const std::uint64_t prominence_bytes = *burst.prominence_bytes;
  const std::uint64_t apart_bytes =
      std::max(height_bytes, prominence_bytes) - std::min(height_bytes, prominence_bytes);
  return apart_bytes > height_bytes / 100;
}

template <class Test>
bool any_of(const std::vector<Burst>& bursts, Test test) {
  return std::any_of(bursts.begin(), bursts.end(), test);
}

bool is_level(const Burst& burst) { return burst.is_level; }

Table burst_table(const Page& page, const std::vector<Burst>& bursts, const report::Report& report) {
  const bool culprits = any_of(bursts, [](const Burst& burst) { return !burst.culprits.empty(); });
  const bool prominences = any_of(bursts, has_other_prominence);
  Table table({{"time (UTC)"},
               {"peak", Align::right},
               {"height", Align::right, 2},
               {prominences ? "prominence" : "", Align::right, 7},
               {"rise", Align::right, 4},
               {"width", Align::right, 3},
               {"headroom", Align::right, 1},
               {"30 s sees it", Align::right, 5},
               {"outcome"},
               {culprits ? "mostly by" : "", Align::left, 6, 8}});
  // Where a row carries the star, the others leave room for it: numbers stay below each other.
  const std::string_view unmarked = any_of(bursts, is_level) ? " " : "";
  for (const Burst& burst : bursts) {
    const auto headroom = spike::headroom_of(burst);
    const auto measured = [&](std::string text) {
      return Cell(text += burst.is_level ? "*" : unmarked, burst.is_level ? Tone::faint : Tone::plain);
    };
    table.add_row({cell_time(page, burst.top.time_ns),
                   {cell_bytes(page, burst.top.usage_bytes), Tone::strong},
                   measured(cell_bytes(page, burst.height_bytes())),
                   has_other_prominence(burst) ? cell_bytes(page, *burst.prominence_bytes) : "",
                   measured(cell_duration(page, burst.rise_ns())),
                   measured(cell_duration(page, burst.duration_ns)),
                   {headroom ? cell_bytes(page, *headroom) : std::string(page.glyph().none),
                    headroom == 0 ? (burst.is_of_high ? Tone::warn : Tone::alarm) : Tone::plain},
                   cell_chance(burst.crest_ns),
                   outcome_cell(burst),
                   culprits ? main_culprit(burst, report, page) : ""});
  }
  return table;
}

// "8 bursts", "8 bursts, 1 level".
std::string title_of(const report::Memcg& memcg) {
  const auto levels =
      static_cast<std::uint64_t>(std::count_if(memcg.bursts.begin(), memcg.bursts.end(), is_level));
  if (levels == 0) return counted(memcg.bursts_total, "burst");
  if (memcg.bursts_total == 0) return counted(levels, "level");
  return fmt::format("{}, {}", counted(memcg.bursts_total, "burst"), counted(levels, "level"));
}

void explain_star(Page& page, const std::vector<Burst>& shown) {
  if (any_of(shown, is_level)) {
    page.fact("", "* it took more than half of the time: a level to live at, which counts as no burst",
              Tone::faint);
  }
}

void explain_prominence(Page& page, const std::vector<Burst>& shown) {
  std::uint64_t prominence_bytes = 0;
  for (const Burst& burst : shown) {
    if (has_other_prominence(burst)) prominence_bytes = std::max(prominence_bytes, *burst.prominence_bytes);
  }
  if (prominence_bytes > 0) {
    page.fact(
        "",
        fmt::format("prominence, as find_peaks measures it from the lowest level on both sides: up to {}",
                    page.bytes(prominence_bytes)),
        Tone::faint);
  }
}

// What the one that tells most consisted of: a killer before all others, then the highest. Beside it what
// tasks allocated while it rose.
void write_composition(Page& page, const std::vector<Burst>& shown) {
  const auto rank = [](const Burst& burst) {
    return std::tuple(burst.makeup.has_value(), burst.allocated.has_value(), is_kill(burst), !burst.is_level,
                      burst.height_bytes());
  };
  const auto most = std::max_element(shown.begin(), shown.end(),
                                     [&](const Burst& a, const Burst& b) { return rank(a) < rank(b); });
  if (most == shown.end()) return;
  const auto say = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) page.fact(label, fmt::format("{}: {}", page.time(most->top.time_ns), text));
  };
  say("grew by", composition_text(*most, page));
  say("shifted", shifted_text(*most, page));
  say("allocated", allocated_text(*most, page));
}

// Where a limit was hit or tasks had to wait for reclaim: of the rows shown, those that waited longest.
void write_near_misses(Page& page, std::vector<Burst> shown) {
  constexpr std::size_t kMaxLines = 3;
  std::erase_if(shown, [](const Burst& burst) { return burst.stalls.count == 0 && !burst.limit_hits.any(); });
  const auto weight = [](const Burst& burst) {
    return std::pair(burst.stalls.total_ns, burst.limit_hits.refused_charges);
  };
  std::stable_sort(shown.begin(), shown.end(),
                   [&](const Burst& a, const Burst& b) { return weight(a) > weight(b); });
  const std::size_t told = std::min(shown.size(), kMaxLines);
  for (std::size_t i = 0; i < told; ++i) {
    const Burst& burst = shown[i];
    page.fact(i == 0 ? "near" : "",
              fmt::format("{}: {}", page.time(burst.top.time_ns),
                          near_miss_text(page, burst.limit_hits, burst.stalls, !is_kill(burst))));
  }
  if (shown.size() > told) and_more(page, fmt::format("and in {} more", grouped(shown.size() - told)));
}

}  // namespace

void write_bursts(Page& page, const report::Memcg& memcg, const report::Report& report) {
  if (memcg.bursts.empty()) return;
  heading(page, title_of(memcg),
          fmt::format("at least {} high", cell_bytes(page, memcg.burst_threshold_bytes)));
  const std::vector<Burst> shown = most_telling(memcg.bursts, kMaxRows);
  page.raw(burst_table(page, shown, report).render(page.style(), kIndent));
  explain_star(page, shown);
  explain_prominence(page, shown);
  write_composition(page, shown);
  write_near_misses(page, shown);
  const auto told = static_cast<std::uint64_t>(
      shown.size() - static_cast<std::size_t>(std::count_if(shown.begin(), shown.end(), is_level)));
  if (memcg.bursts_total > told) {
    and_more(page, fmt::format("and {} more: shown are the {} that tell most, the histograms count all",
                               grouped(memcg.bursts_total - told), grouped(told)));
  }
}

void write_few_bursts(Page& page, const report::Memcg& memcg, const report::Report& report,
                      std::size_t most) {
  if (memcg.bursts.empty()) return;
  const std::vector<Burst> shown = most_telling(memcg.bursts, most);
  std::string remark = fmt::format("at least {} high", cell_bytes(page, memcg.burst_threshold_bytes));
  if (shown.size() < memcg.bursts.size())
    remark += fmt::format("; the {} that tell most", grouped(shown.size()));
  heading(page, title_of(memcg), remark);
  page.raw(burst_table(page, shown, report).render(page.style(), kIndent));
  explain_star(page, shown);
}

}  // namespace memspike::views
