#include "views/text/tables.h"

#include <fmt/core.h>

#include "views/kit/cells.h"
#include "views/kit/table.h"

namespace memspike::views {
namespace {

constexpr std::size_t kMaxProcesses = 10;

}  // namespace

void write_allocations(Page& page, const report::Allocations& allocations) {
  if (allocations.by_process.empty()) return;
  heading(page, "who allocated", fmt::format("{} in all", counted(allocations.pages, "page")));
  Table table({{"process", Align::left, 0, 8},
               {"pid", Align::right},
               {"pages", Align::right},
               {"share", Align::right}});
  std::uint64_t rest = allocations.unattributed_pages;
  std::size_t row = 0;
  for (const report::ProcessPages& process : allocations.by_process) {
    if (row++ >= kMaxProcesses) {
      rest += process.pages;
      continue;
    }
    table.add_row({page.escape(process.comm), std::to_string(process.pid), grouped(process.pages),
                   percent_share(process.pages, allocations.pages)});
  }
  if (rest > 0)
    table.add_row({{"others", Tone::faint}, "", grouped(rest), percent_share(rest, allocations.pages)});
  page.raw(table.render(page.style(), kIndent));
}

}  // namespace memspike::views
