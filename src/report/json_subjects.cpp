#include "report/json_subjects.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "advice/advice.h"
#include "blindspot/scraper.h"
#include "report/names.h"
#include "report/subject.h"

namespace memspike::report {
namespace {

using Layout = JsonWriter::Layout;
using blindspot::Scraper;

// What the lives of one container have in common; without their spikes and timelines.
struct Together {
  blindspot::Fold shown;
  bool working_set_known = true;
  advice::Observed observed;
  std::uint64_t peak_bytes = 0;
  std::optional<std::uint64_t> typical_bytes;
};

Together together(const Lives& lives) {
  Together all;
  std::vector<std::uint64_t> typical;
  for (const Memcg* life : lives) {
    all.shown.merge(life->shown);
    all.working_set_known = all.working_set_known && life->working_set_known;
    all.observed.merge(life->observed);
    all.peak_bytes = std::max(all.peak_bytes, life->usage.peak_bytes);
    if (life->usage.typical_bytes) typical.push_back(*life->usage.typical_bytes);
  }
  all.typical_bytes = median(std::move(typical));
  return all;
}

void write(JsonWriter& json, const Scraper& scraper) {
  const auto shown = [&](std::uint64_t blindspot::Shown::*value) {
    return scraper.shown ? std::optional(*scraper.shown.*value) : std::nullopt;
  };
  json.begin_object(Layout::inline_);
  json.member("period_ns", scraper.period_ns);
  json.member("looks_ppm", std::uint64_t{scraper.looks.ppm});
  json.member("shown_p5_bytes", shown(&blindspot::Shown::p5_bytes));
  json.member("shown_p50_bytes", shown(&blindspot::Shown::p50_bytes));
  json.member("shown_p95_bytes", shown(&blindspot::Shown::p95_bytes));
  json.member("sees_peak_ppm", std::uint64_t{scraper.sees_peak.ppm});
  json.member("sees_peak_at_least_ppm", std::uint64_t{scraper.sees_peak.at_least_ppm});
  json.member("sees_peak_at_most_ppm", std::uint64_t{scraper.sees_peak.at_most_ppm});
  json.end_object();
}

void write_blind_spot(JsonWriter& json, const Together& subject) {
  json.key("blind_spot");
  json.begin_object();
  json.member("shows", subject.working_set_known ? "working_set" : "usage");
  json.key("scrapers");
  json.begin_array();
  for (const std::uint64_t period_ns : blindspot::kPeriodsNs) {
    write(json, blindspot::scrape(subject.shown, period_ns, subject.peak_bytes));
  }
  json.end_array();
  json.end_object();
}

void write_curve(JsonWriter& json, const std::vector<advice::Candidate>& curve) {
  json.key("curve");
  json.begin_array();
  for (const advice::Candidate& point : curve) {
    json.begin_object(Layout::inline_);
    json.member("limit_bytes", point.limit_bytes);
    json.member("held", point.held);
    json.member("unknown", point.unknown);
    json.end_object();
  }
  json.end_array();
}

void write_advice(JsonWriter& json, const std::optional<advice::Advice>& advice) {
  json.key("advice");
  if (!advice) return json.null();
  json.begin_object();
  json.member("spikes", advice->spikes);
  json.member("cut_off", advice->cut_off);
  json.member("margin_percent", std::uint64_t{advice::kMarginPercent});
  json.key("limits");
  json.begin_array();
  for (const advice::Bound& bound : advice->bounds) {
    json.begin_object(Layout::inline_);
    json.member("percent", std::uint64_t{bound.percent});
    json.member("height_bytes", bound.height_bytes);
    json.member("limit_bytes", bound.limit_bytes);
    json.member("at_least", bound.at_least);
    json.end_object();
  }
  json.end_array();
  json.member("extrapolated_bytes", advice->extrapolated_bytes);
  json.member("request_bytes", advice->request_bytes);
  write_curve(json, advice->curve);
  json.end_object();
}

void write(JsonWriter& json, const advice::TimeAbove& above) {
  json.member("limited_ns", above.limited_ns);
  json.key("above_limit");
  json.begin_array();
  for (std::size_t i = 0; i < advice::TimeAbove::kPercents.size(); ++i) {
    json.begin_object(Layout::inline_);
    json.member("percent", std::uint64_t{advice::TimeAbove::kPercents[i]});
    json.member("ns", above.above_ns[i]);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

void write_container(JsonWriter& json, const std::optional<Container>& container) {
  json.key("container");
  if (!container) return json.null();
  json.begin_object(Layout::inline_);
  json.member("id", container->id);
  json.member("name", container->name);
  json.end_object();
}

void write_subjects(JsonWriter& json, const Report& report) {
  json.key("subjects");
  json.begin_array();
  for (const Lives& lives : lives_of(report)) {
    const Memcg& last = *lives.back();
    const Together subject = together(lives);
    json.begin_object();
    json.member("path", last.path);
    json.member("role", to_text(last.role));
    write_container(json, last.container);
    json.member("lives", std::uint64_t{lives.size()});
    write_blind_spot(json, subject);
    write_advice(json, advice::advise(subject.observed, subject.typical_bytes, last.limit_bytes));
    write(json, subject.observed.time_above);
    json.end_object();
  }
  json.end_array();
}

}  // namespace memspike::report
