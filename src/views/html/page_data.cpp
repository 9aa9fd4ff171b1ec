#include "views/html/page_data.h"

#include "base/units.h"
#include "views/html/sentences.h"
#include "views/html/subject_data.h"
#include "views/sentences/footer.h"
#include "views/sentences/headline.h"
#include "views/sentences/summary.h"

namespace memspike::views::html {
namespace {

constexpr std::uint64_t kDayNs = 86'400'000'000'000;

void write_session(JsonWriter& json, const report::Report& report, const Page& page) {
  const facts::Session& session = report.session;
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

}  // namespace

Result<void> write_page_data(const report::Report& report, const std::vector<report::Subject>& subjects,
                             const Page& page, const Sink& sink) {
  JsonWriter json(sink);
  json.begin_object();
  write_session(json, report, page);
  write_headlines(json, headlines_of(report, subjects, page));
  // Indices: the order in which the sections are shown.
  json.key("order");
  json.begin_array(JsonWriter::Layout::inline_);
  for (const report::Subject* subject : interesting_of(subjects)) {
    json.value(static_cast<std::uint64_t>(subject - subjects.data()));
  }
  json.end_array();
  json.key("subjects");
  json.begin_array();
  for (const report::Subject& subject : subjects) write_subject(json, subject, report, page);
  json.end_array();
  write_facts(json, "footer", footer_facts(report, page));
  json.end_object();
  return json.finish();
}

}  // namespace memspike::views::html
