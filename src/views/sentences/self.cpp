#include "views/sentences/self.h"

#include <fmt/core.h>

#include "base/units.h"
#include "views/kit/cells.h"

namespace memspike::views {

Facts self_facts(const facts::Self& self, const Page& page) {
  Facts facts = {
      {"itself", fmt::format("{} of a core ({} of CPU time in {}), {} of memory at most",
                             percent_share(self.cpu_ns, self.duration_ns), page.duration(self.cpu_ns),
                             page.duration(self.duration_ns), page.bytes(self.peak_rss_bytes))}};
  if (self.map_bytes > 0)
    facts.back().text += fmt::format(", {} of the kernel's in BPF maps", page.bytes(self.map_bytes));
  const auto mean = ns_per_event(self);
  if (!mean) return facts;
  std::string text = fmt::format("{} an event: ", page.duration(*mean));
  for (const facts::ProgramRuns& program : self.programs) {
    if (&program != &self.programs.front()) text += page.separator();
    text += fmt::format("{}{}{} at{}{}", page.escape(program.program), kGlue, grouped(program.runs), kGlue,
                        page.duration(facts::mean_ns(program)));
  }
  facts.push_back(
      {"", text + ". Events of the whole node; the kernel's clock, some 50 ns of each, is in it."});
  return facts;
}

}  // namespace memspike::views
