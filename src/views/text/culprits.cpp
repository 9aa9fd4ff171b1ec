// Who made the bursts.
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "facts/names.h"
#include "views/kit/cells.h"
#include "views/kit/table.h"
#include "views/text/tables.h"

namespace memspike::views {
namespace {

std::string comm_of(const report::Thread& thread, const Page& page) {
  return thread.comm.empty() ? std::string(page.glyph().none) : page.escape(thread.comm);
}

// The one to explain: a killer before all others, then the highest.
const report::Burst* most_telling(const std::vector<report::Burst>& bursts) {
  const auto rank = [](const report::Burst& burst) {
    return std::tuple(burst.outcome == spike::Outcome::oom_kill, !burst.is_level, burst.height_bytes());
  };
  const report::Burst* chosen = nullptr;
  for (const report::Burst& burst : bursts) {
    if (burst.culprits.empty()) continue;
    if (chosen == nullptr || rank(burst) > rank(*chosen)) chosen = &burst;
  }
  return chosen;
}

// In a container's own section it goes without saying which one it is.
std::optional<std::string> other_container(const report::Thread& thread, const report::Memcg& memcg) {
  return memcg.role == facts::Role::container ? std::nullopt : name_of(thread.container);
}

bool names_containers(const report::Causes& causes, const report::Memcg& memcg,
                      const report::Report& report) {
  return std::any_of(causes.culprits.begin(), causes.culprits.end(), [&](const report::Culprit& culprit) {
    return other_container(report.threads[culprit.thread], memcg).has_value();
  });
}

std::string remark_on(const report::Burst& burst, const Page& page) {
  constexpr unsigned kWide = 70;
  std::string pages = counted(burst.risen_pages(), "page");
  if (page.style().columns < kWide) return pages;
  return fmt::format("{} in the burst at {}", pages, cell_time(page, burst.top.time_ns));
}

}  // namespace

std::string main_culprit(const report::Causes& causes, const report::Report& report, const Page& page) {
  if (causes.culprits.empty()) return std::string(page.glyph().none);
  // Many threads may be one process: it is called as the thread of it that charged most.
  std::map<std::uint32_t, std::uint64_t> pages_of;
  for (const report::Culprit& culprit : causes.culprits) {
    pages_of[report.threads[culprit.thread].pid] += culprit.pages;
  }
  const auto most = std::max_element(pages_of.begin(), pages_of.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  const auto first = std::find_if(
      causes.culprits.begin(), causes.culprits.end(),
      [&](const report::Culprit& culprit) { return report.threads[culprit.thread].pid == most->first; });
  const std::uint64_t whole = std::max<std::uint64_t>(1, causes.risen_pages());
  return fmt::format("{} {} %", comm_of(report.threads[first->thread], page), most->second * 100 / whole);
}

void write_culprits(Page& page, const report::Memcg& memcg, const report::Report& report) {
  const report::Burst* burst = most_telling(memcg.bursts);
  if (burst == nullptr) return;
  const std::uint64_t whole = burst->risen_pages();
  heading(page, "who made it rise", remark_on(*burst, page));
  Table table({{"thread", Align::left, 0, 8},
               {"pid", Align::right},
               {"tid", Align::right, 3},
               {"pages", Align::right},
               {"share", Align::right},
               {names_containers(*burst, memcg, report) ? "container" : "", Align::left, 2, 8},
               {"command line", Align::left, 1, 12}});
  for (const report::Culprit& culprit : burst->culprits) {
    const report::Thread& thread = report.threads[culprit.thread];
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
  add_rest("others", burst->other_pages);
  add_rest("not known", burst->unattributed_pages);
  page.raw(table.render(page.style(), kIndent));
}

}  // namespace memspike::views
