#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "blindspot/scraper.h"
#include "report/blind_spot.h"
#include "report/cells.h"
#include "report/grown.h"
#include "report/names.h"
#include "report/near_text.h"
#include "report/spike_rows.h"
#include "report/table.h"
#include "report/tables.h"

namespace memspike::report {
namespace {

constexpr std::size_t kMaxRows = 20;

Cell outcome_cell(const SpikeRow& row, const Page& page) {
  const std::string times =
      row.tops == 1 ? "" : fmt::format(" {}{}", page.style().utf8 ? "×" : "x", grouped(row.tops));
  switch (row.spike.outcome) {
    case spike::Outcome::fell:
      return "fell" + times;
    case spike::Outcome::oom_kill:
      return {"OOM kill" + times, Tone::alarm};
    case spike::Outcome::ongoing:
      return {"still up" + times, Tone::warn};
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

// The rows to show, in order of time: those that killed, then the most prominent.
std::vector<SpikeRow> most_telling(std::vector<SpikeRow> rows) {
  const auto rank = [](const SpikeRow& row) {
    return std::pair(row.spike.outcome == spike::Outcome::oom_kill, row.spike.prominence_bytes);
  };
  const auto sort_by = [&](auto&& before) { std::stable_sort(rows.begin(), rows.end(), before); };
  sort_by([&](const SpikeRow& a, const SpikeRow& b) { return rank(a) > rank(b); });
  if (rows.size() > kMaxRows) rows.resize(kMaxRows);
  sort_by([](const SpikeRow& a, const SpikeRow& b) { return a.spike.peak_ns < b.spike.peak_ns; });
  return rows;
}

bool any_spans_life(const std::vector<SpikeRow>& rows, const Usage& usage) {
  return std::any_of(rows.begin(), rows.end(), [&](const SpikeRow& r) { return spans_life(r.spike, usage); });
}

bool any_culprits(const std::vector<SpikeRow>& rows) {
  return std::any_of(rows.begin(), rows.end(),
                     [](const SpikeRow& row) { return !row.spike.culprits.empty(); });
}

Table spike_table(const Page& page, const std::vector<SpikeRow>& rows, const Usage& usage,
                  const Report& report) {
  const bool culprits = any_culprits(rows);
  Table table({{"time (UTC)"},
               {"peak", Align::right},
               {"height", Align::right, 2},
               {"rise", Align::right, 4},
               {"width", Align::right, 3},
               {"headroom", Align::right, 1},
               {"30 s sees it", Align::right, 5},
               {"outcome"},
               {culprits ? "mostly by" : "", Align::left, 6, 8}});
  // Where a row carries the star, the others leave room for it: numbers stay below each other.
  const std::string_view unmarked = any_spans_life(rows, usage) ? " " : "";
  for (const SpikeRow& row : rows) {
    const Spike& spike = row.spike;
    const auto headroom = headroom_of(spike);
    const bool marked = spans_life(spike, usage);
    const auto measured = [&](std::string text) {
      return Cell(text += marked ? "*" : unmarked, marked ? Tone::faint : Tone::plain);
    };
    table.add_row({cell_time(page, spike.peak_ns),
                   {cell_bytes(page, spike.peak_bytes), Tone::strong},
                   measured(cell_bytes(page, spike.prominence_bytes)),
                   measured(cell_duration(page, spike.rise_ns)),
                   measured(cell_duration(page, spike.width_ns)),
                   {headroom ? cell_bytes(page, *headroom) : std::string(page.glyph().none),
                    headroom == 0 ? Tone::alarm : Tone::plain},
                   cell_chance(spike.crest_ns),
                   outcome_cell(row, page),
                   culprits ? main_culprit(spike, report, page) : ""});
  }
  return table;
}

// "16 spikes", "16 spikes in 12 rows".
std::string title_of(const Memcg& memcg, std::size_t rows) {
  std::string spikes = counted(memcg.spikes_total, "spike");
  if (rows == memcg.spikes.size()) return spikes;
  return fmt::format("{} in {}", spikes, counted(rows, "row"));
}

void write_footnotes(Page& page, const std::vector<SpikeRow>& rows, const Memcg& memcg) {
  if (any_spans_life(rows, memcg.usage)) {
    page.fact("",
              fmt::format("* measured from the {}'s start or to its end, not from where it lives ({})",
                          to_text(memcg.role), page.bytes(*memcg.usage.typical_bytes)),
              Tone::faint);
  }
  const bool folded = std::any_of(rows.begin(), rows.end(), [](const SpikeRow& row) { return row.tops > 1; });
  if (folded) {
    page.fact(
        "",
        fmt::format(
            "{}: as many equal tops, {} apart at most or with usage above 90 % of the height between them",
            page.style().utf8 ? "×2, ×3…" : "x2, x3...", page.duration(kSameTopNs)),
        Tone::faint);
  }
}

// What the one that tells most consisted of: a killer before all others, then the highest. Beside it what
// tasks allocated while it rose.
void write_grown(Page& page, const std::vector<SpikeRow>& rows) {
  const auto rank = [](const SpikeRow& row) {
    return std::tuple(row.spike.composition.has_value(), row.spike.allocated.has_value(),
                      row.spike.outcome == spike::Outcome::oom_kill, row.spike.prominence_bytes);
  };
  const auto most = std::max_element(rows.begin(), rows.end(),
                                     [&](const SpikeRow& a, const SpikeRow& b) { return rank(a) < rank(b); });
  if (most == rows.end()) return;
  const auto say = [&](std::string_view label, const std::string& text) {
    if (!text.empty()) page.fact(label, fmt::format("{}: {}", page.time(most->spike.peak_ns), text));
  };
  say("grew by", grown_text(most->spike, page));
  say("allocated", allocated_text(most->spike, page));
}

// Where a limit was hit or tasks had to wait for reclaim: of the rows shown, those that waited longest.
void write_near_misses(Page& page, std::vector<SpikeRow> rows) {
  constexpr std::size_t kMaxLines = 3;
  std::erase_if(
      rows, [](const SpikeRow& row) { return row.spike.stalls.count == 0 && !row.spike.limit_hits.any(); });
  const auto weight = [](const SpikeRow& row) {
    return std::pair(row.spike.stalls.total_ns, row.spike.limit_hits.refused_charges);
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const SpikeRow& a, const SpikeRow& b) { return weight(a) > weight(b); });
  const std::size_t shown = std::min(rows.size(), kMaxLines);
  for (std::size_t i = 0; i < shown; ++i) {
    const Spike& spike = rows[i].spike;
    const bool no_kill = spike.outcome != spike::Outcome::oom_kill;
    page.fact(i == 0 ? "near" : "", fmt::format("{}: {}", page.time(spike.peak_ns),
                                                near_text(page, spike.limit_hits, spike.stalls, no_kill)));
  }
  if (rows.size() > shown) and_more(page, fmt::format("and in {} more", grouped(rows.size() - shown)));
}

}  // namespace

void write_spikes(Page& page, const Memcg& memcg, const Report& report) {
  if (memcg.spikes.empty()) return;
  const std::vector<SpikeRow> rows = rows_of(memcg.spikes);
  heading(page, title_of(memcg, rows.size()),
          fmt::format("at least {} high", cell_bytes(page, report.session.min_prominence_bytes)));
  const std::vector<SpikeRow> shown = most_telling(rows);
  page.raw(spike_table(page, shown, memcg.usage, report).render(page.style(), kIndent));
  write_footnotes(page, shown, memcg);
  write_grown(page, shown);
  write_near_misses(page, shown);
  std::uint64_t told = 0;
  for (const SpikeRow& row : shown) told += row.tops;
  if (memcg.spikes_total > told) {
    and_more(page, fmt::format("and {} more: shown are the {} that tell most, the histograms count all",
                               grouped(memcg.spikes_total - told), grouped(told)));
  }
}

}  // namespace memspike::report
