// Who made the spikes.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "report/cells.h"
#include "report/names.h"
#include "report/table.h"
#include "report/tables.h"

namespace memspike::report {
namespace {

std::string comm_of(const Thread& thread, const Page& page) {
  return thread.comm.empty() ? std::string(page.glyph().none) : page.escape(thread.comm);
}

// The one to explain: a killer before all others, then the highest.
const Spike* most_telling(const std::vector<Spike>& spikes) {
  const auto rank = [](const Spike& spike) {
    return std::pair(spike.outcome == spike::Outcome::oom_kill, spike.prominence_bytes);
  };
  const Spike* chosen = nullptr;
  for (const Spike& spike : spikes) {
    if (spike.culprits.empty()) continue;
    if (chosen == nullptr || rank(spike) > rank(*chosen)) chosen = &spike;
  }
  return chosen;
}

// In a container's own section it goes without saying which one it is.
std::optional<std::string> other_container(const Thread& thread, const Memcg& memcg) {
  return memcg.role == Role::container ? std::nullopt : name_of(thread.container);
}

bool names_containers(const Spike& spike, const Memcg& memcg, const Report& report) {
  return std::any_of(spike.culprits.begin(), spike.culprits.end(), [&](const Culprit& culprit) {
    return other_container(report.threads[culprit.thread], memcg).has_value();
  });
}

std::string remark_on(const Spike& spike, const Page& page) {
  constexpr unsigned kWide = 70;
  std::string pages = counted(spike.risen_pages(), "page");
  if (page.style().columns < kWide) return pages;
  return fmt::format("{} up to the peak at {}", pages, cell_time(page, spike.peak_ns));
}

}  // namespace

std::string percent_share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "";
  return fmt::format("{:.1f} %", static_cast<double>(part) * 100 / static_cast<double>(whole));
}

std::string main_culprit(const Spike& spike, const Report& report, const Page& page) {
  if (spike.culprits.empty()) return std::string(page.glyph().none);
  // Many threads may be one process: it is called as the thread of it that charged most.
  std::map<std::uint32_t, std::uint64_t> pages_of;
  for (const Culprit& culprit : spike.culprits) {
    pages_of[report.threads[culprit.thread].pid] += culprit.pages;
  }
  const auto most = std::max_element(pages_of.begin(), pages_of.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto first = std::find_if(spike.culprits.begin(), spike.culprits.end(), [&](const Culprit& culprit) {
    return report.threads[culprit.thread].pid == most->first;
  });
  const std::uint64_t whole = std::max<std::uint64_t>(1, spike.risen_pages());
  return fmt::format("{} {} %", comm_of(report.threads[first->thread], page), most->second * 100 / whole);
}

void write_culprits(Page& page, const Memcg& memcg, const Report& report) {
  const Spike* spike = most_telling(memcg.spikes);
  if (spike == nullptr) return;
  const std::uint64_t whole = spike->risen_pages();
  heading(page, "who made it rise", remark_on(*spike, page));
  Table table({{"thread", Align::left, 0, 8},
               {"pid", Align::right},
               {"tid", Align::right, 3},
               {"pages", Align::right},
               {"share", Align::right},
               {names_containers(*spike, memcg, report) ? "container" : "", Align::left, 2, 8},
               {"command line", Align::left, 1, 12}});
  for (const Culprit& culprit : spike->culprits) {
    const Thread& thread = report.threads[culprit.thread];
    const auto container = other_container(thread, memcg);
    table.add_row({{comm_of(thread, page), Tone::strong},
                   std::to_string(thread.pid),
                   std::to_string(thread.tid),
                   grouped(culprit.pages),
                   percent_share(culprit.pages, whole),
                   container ? page.escape(*container) : "",
                   {thread.cmdline.empty() ? "" : page.escape(thread.cmdline), Tone::faint}});
  }
  const auto add_rest = [&](const char* name, std::uint64_t pages) {
    if (pages > 0) table.add_row({{name, Tone::faint}, "", "", grouped(pages), percent_share(pages, whole)});
  };
  add_rest("others", spike->other_pages);
  add_rest("not known", spike->unattributed_pages);
  page.raw(table.render(page.style(), kIndent));
}

}  // namespace memspike::report
