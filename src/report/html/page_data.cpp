#include "report/html/page_data.h"

#include "base/units.h"
#include "report/footer.h"
#include "report/headline.h"
#include "report/html/sentences.h"
#include "report/html/subject_data.h"
#include "report/summary.h"

namespace memspike::report::html {
namespace {

constexpr std::uint64_t kDayNs = 86'400'000'000'000;

void write_session(JsonWriter& json, const Report& report, const Page& page) {
  const Session& session = report.session;
  json.member("title", plain(target_name(report, page)));
  json.member("subtitle", plain(when_and_what(report, page)));
  json.member("day_utc", format_utc(session.start_realtime_ns).substr(0, 10));
  json.member("ns_of_day", session.start_realtime_ns % kDayNs);
  json.member("duration_ns", session.duration_ns);
  json.member("min_prominence_bytes", session.min_prominence_bytes);
}

void write_headlines(JsonWriter& json, const std::vector<Headline>& headlines) {
  json.key("headlines");
  json.begin_array();
  for (const Headline& headline : headlines) {
    json.begin_array(JsonWriter::Layout::inline_);
    json.value(to_text(headline.tone));
    json.value(plain(headline.text));
    json.value(plain(headline.remark));
    json.end_array();
  }
  json.end_array();
}

std::vector<Labelled> footer_of(const Report& report, const Page& page) {
  Page scratch(report, page.style());
  write_footer(scratch, report);
  return scratch.take_facts();
}

}  // namespace

Result<void> write_page_data(const Report& report, const std::vector<Subject>& subjects, const Page& page,
                             const Sink& sink) {
  JsonWriter json(sink);
  json.begin_object();
  write_session(json, report, page);
  write_headlines(json, headlines_of(report, subjects, page));
  // Indices: the order in which the sections are shown.
  json.key("order");
  json.begin_array(JsonWriter::Layout::inline_);
  for (const Subject* subject : interesting_of(subjects)) {
    json.value(static_cast<std::uint64_t>(subject - subjects.data()));
  }
  json.end_array();
  json.key("subjects");
  json.begin_array();
  for (const Subject& subject : subjects) write_subject(json, subject, report, page);
  json.end_array();
  write_facts(json, "footer", footer_of(report, page));
  json.end_object();
  return json.finish();
}

}  // namespace memspike::report::html
