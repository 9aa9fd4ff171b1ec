#include "views/sentences/blind_spot.h"

#include <fmt/core.h>

#include <algorithm>

#include "blindspot/scraper.h"
#include "views/kit/cells.h"
#include "views/kit/table.h"

namespace memspike::views {
namespace {

using blindspot::Scraper;
using blindspot::Share;

constexpr std::uint64_t kTypicalPeriodNs = 30'000'000'000;
constexpr std::uint32_t kAll = 1'000'000;

Scraper scrape(const report::Subject& subject, std::uint64_t period_ns) {
  return blindspot::scrape(subject.memcg.shown, period_ns, subject.memcg.usage.peak_bytes);
}

std::string seconds(std::uint64_t ns) { return fmt::format("{}{}s", ns / 1'000'000'000, kGlue); }

// None of the phases tried: that is nearly no chance, or none at all.
std::string chance_of(const Share& share) {
  constexpr std::uint32_t kSmallPpm = 20'000;
  if (share.ppm > 0) return percent_of_ppm(share.ppm);
  if (share.at_most_ppm == 0) return "none";
  return share.at_most_ppm <= kSmallPpm ? fmt::format("at most{}{}", kGlue, percent_of_ppm(share.at_most_ppm))
                                        : "hardly any";
}

std::string chance_phrase(const Share& share) {
  if (share.at_least_ppm == kAll) return "would have seen it";
  const std::string chance = chance_of(share);
  if (chance == "none") return "had no chance to see it";
  if (chance == "hardly any") return "had hardly any chance to see it";
  return fmt::format("had a chance of {} to see it", chance);
}

std::string cell_of(std::string text) {
  std::replace(text.begin(), text.end(), kGlue, ' ');
  return text;
}

}  // namespace

std::string percent_of_ppm(std::uint64_t ppm) {
  if (ppm == 0 || ppm >= kAll) return fmt::format("{}{}%", ppm == 0 ? 0 : 100, kGlue);
  if (ppm < 100) return fmt::format("under{}0.01{}%", kGlue, kGlue);
  if (ppm > 990'000) return fmt::format("over{}99{}%", kGlue, kGlue);
  const double percent = static_cast<double>(ppm) / 10'000;
  return fmt::format("{:.{}f}{}%", percent, percent < 0.095 ? 2 : percent < 9.95 ? 1 : 0, kGlue);
}

std::string blind_sentence(const report::Subject& subject, const Page& page) {
  if (subject.memcg.shown.held_ns() == 0) return "";
  const Scraper scraper = scrape(subject, kTypicalPeriodNs);
  std::string text;
  if (scraper.shown) {
    text = fmt::format("{}: {}. ", subject.memcg.working_set_known ? "kubectl top" : "Usage as scraped",
                       page.bytes(scraper.shown->p50_bytes));
  }
  text += fmt::format("Kernel: {}. A {} scraper {}", page.bytes(subject.memcg.usage.peak_bytes),
                      seconds(kTypicalPeriodNs), chance_phrase(scraper.sees_peak));
  if (scraper.looks.at_least_ppm < kAll) {
    text += fmt::format(", and one of {} to look at all", chance_of(scraper.looks));
  }
  return text + ".";
}

void write_blind_spot(Page& page, const report::Subject& subject) {
  const report::Memcg& memcg = subject.memcg;
  if (memcg.shown.held_ns() == 0) return;
  heading(page, "blind spot", memcg.working_set_known ? "working set" : "usage");
  Table table({{"every", Align::right},
               {"half show up to", Align::right},
               {"95 % up to", Align::right, 1},
               {"see the peak", Align::right},
               {"look at all", Align::right, 2}});
  for (const std::uint64_t period_ns : blindspot::kPeriodsNs) {
    const Scraper scraper = scrape(subject, period_ns);
    const std::string none(page.glyph().none);
    table.add_row({cell_of(seconds(period_ns)),
                   {scraper.shown ? cell_bytes(page, scraper.shown->p50_bytes) : none, Tone::strong},
                   scraper.shown ? cell_bytes(page, scraper.shown->p95_bytes) : none,
                   cell_of(chance_of(scraper.sees_peak)),
                   cell_of(chance_of(scraper.looks))});
  }
  page.raw(table.render(page.style(), kIndent));
  page.fact("", "of all moments to start looking; to see the peak is to show 90 % of it", Tone::faint);
  if (memcg.working_set_known) {
    page.fact("", "working set: usage without inactive_file, as kubectl top has it", Tone::faint);
  } else {
    page.fact("", "inactive_file could not be read: this is usage, kubectl top may show less", Tone::warn);
  }
}

}  // namespace memspike::views
