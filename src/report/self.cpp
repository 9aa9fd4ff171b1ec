#include "report/self.h"

#include <fmt/core.h>

#include "report/json_writer.h"
#include "report/page.h"
#include "report/tables.h"

namespace memspike::report {
namespace {

ProgramRuns sum_of(const Self& self) {
  ProgramRuns sum;
  for (const ProgramRuns& program : self.programs) {
    sum.runs += program.runs;
    sum.ns += program.ns;
  }
  return sum;
}

std::uint64_t mean_ns(const ProgramRuns& program) {
  return program.runs == 0 ? 0 : (program.ns + program.runs / 2) / program.runs;
}

}  // namespace

std::optional<std::uint64_t> ns_per_event(const Self& self) {
  const ProgramRuns sum = sum_of(self);
  return sum.runs == 0 ? std::nullopt : std::optional(mean_ns(sum));
}

void write_self(Page& page, const Self& self) {
  page.fact("itself", fmt::format("{} of a core ({} of CPU time in {}), {} of memory at most",
                                  percent_share(self.cpu_ns, self.duration_ns), page.duration(self.cpu_ns),
                                  page.duration(self.duration_ns), page.bytes(self.peak_rss_bytes)));
  const auto mean = ns_per_event(self);
  if (!mean) return;
  std::string text = fmt::format("{} an event: ", page.duration(*mean));
  for (const ProgramRuns& program : self.programs) {
    if (&program != &self.programs.front()) text += page.separator();
    text += fmt::format("{}{}{} at{}{}", page.escape(program.program), kGlue, grouped(program.runs), kGlue,
                        page.duration(mean_ns(program)));
  }
  page.fact("", text + ". Events of the whole node; the kernel's clock, some 50 ns of each, is in it.");
}

void write_self(JsonWriter& json, const std::optional<Self>& self) {
  json.key("self");
  if (!self) return json.null();
  json.begin_object();
  json.member("duration_ns", self->duration_ns);
  json.member("cpu_ns", self->cpu_ns);
  json.member("peak_rss_bytes", self->peak_rss_bytes);
  json.member("ns_per_event", ns_per_event(*self));
  json.key("programs");
  json.begin_array();
  for (const ProgramRuns& program : self->programs) {
    json.begin_object(JsonWriter::Layout::inline_);
    json.member("program", program.program);
    json.member("runs", program.runs);
    json.member("ns", program.ns);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

}  // namespace memspike::report
