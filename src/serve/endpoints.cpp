#include "serve/endpoints.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/units.h"
#include "cgroup/host_files.h"
#include "lives/life_table.h"
#include "recording/reader.h"
#include "serve/page.h"
#include "views/html/html.h"
#include "views/kit/escape.h"
#include "views/text/text.h"

namespace memspike::serve {
namespace {

using Json = nlohmann::json;

constexpr int kNotFound = 404;
constexpr int kBusy = 503;
constexpr int kBadRequest = 400;
constexpr std::size_t kMostTextBytes = std::size_t{1} << 20;
constexpr std::size_t kMostRecordingBytes = std::size_t{64} << 20;
constexpr unsigned kColumns = 100;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Response json_of(const Json& json) { return {200, "application/json", dump(json)}; }

Response error(int status, const std::string& message, const std::string& advice = {}) {
  return {status, "application/json", dump({{"error", {{"message", message}, {"advice", advice}}}})};
}

Response busy() { return error(kBusy, "the service is busy, or about to end", "ask again"); }

std::string parameter(const Request& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

Json to_json(const KillRecord& kill) { return Json::parse(to_line(kill), nullptr, false); }

Json to_json(const SubjectId& subject) {
  return {{"namespace", views::escape_terminal(subject.namespace_name)},
          {"pod", views::escape_terminal(subject.pod)},
          {"container", views::escape_terminal(subject.container)}};
}

std::uint64_t bursts_per_hour(const Series& series, std::uint64_t now_ns) {
  constexpr std::uint64_t kHourS = 3600;
  const std::uint64_t watched_s = (now_ns - std::min(now_ns, series.first_ns)) / 1'000'000'000;
  return series.bursts * kHourS / std::max<std::uint64_t>(watched_s, 60);
}

Json to_json(const Series& series, std::uint64_t now_ns) {
  Json json = to_json(series.id);
  json["cgroup"] = views::escape_terminal(series.path);
  json["usage_bytes"] = series.usage_bytes;
  json["limit_bytes"] = series.limit_bytes ? Json(*series.limit_bytes) : Json();
  json["life_peak_bytes"] = series.life_peak_bytes;
  json["peak_bytes"] = series.ever_peak_bytes;
  json["bursts"] = series.bursts;
  json["bursts_per_hour"] = bursts_per_hour(series, now_ns);
  json["kills"] = series.all_kills();
  json["lives"] = series.lives;
  json["living"] = series.living > 0;
  json["thinned_moves"] = series.thinned_moves;
  json["born_ns"] = series.born_ns;
  return json;
}

Json to_json(const Zoomed& zoomed) {
  return {{"time", format_utc(zoomed.realtime_ns)},
          {"closer", zoomed.is_in},
          {"container", views::escape_terminal(zoomed.who)},
          {"why", zoomed.why}};
}

// Those that moved too often, the loudest first.
Json thinned_of(const Meters& meters) {
  constexpr std::size_t kMost = 16;
  std::vector<const Series*> loud;
  for (const auto& [subject, series] : meters.all()) {
    if (series->thinned_moves > 0) loud.push_back(series.get());
  }
  std::stable_sort(loud.begin(), loud.end(),
                   [](const Series* a, const Series* b) { return a->thinned_moves > b->thinned_moves; });
  if (loud.size() > kMost) loud.resize(kMost);
  Json json = Json::array();
  for (const Series* each : loud) {
    json.push_back(
        {{"container", views::escape_terminal(label_of(each->id))}, {"moves", each->thinned_moves}});
  }
  return json;
}

std::string render(const report::Report& report) {
  views::TextStyle style;
  style.columns = kColumns;
  return views::render_short(report, style);
}

// What is complete later than now, as people count it.
std::string in_the_making(std::uint64_t complete_ns, std::uint64_t now_ns) {
  if (complete_ns <= now_ns) return "its dossier is being written: this is what there is by now";
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  return fmt::format("its dossier is complete in {} s: this is what there is by now",
                     (complete_ns - now_ns + kSecondNs - 1) / kSecondNs);
}

}  // namespace

bool Endpoints::ask(const std::function<void()>& question) {
  return mailbox_.ask(question, std::chrono::milliseconds(2000));
}

Response Endpoints::answer_outside(const Request& request) {
  if (request.path == "/metrics") return metrics(request);
  if (is_page_outside_ && request.path == "/") return page();
  if (is_page_outside_ && request.path == "/v1/report") return report(request);
  return error(kNotFound, "there is /metrics here");
}

Response Endpoints::answer(const Request& request) {
  if (request.path == "/metrics") return metrics(request);
  if (request.path == "/v1/status") return status();
  if (request.path == "/v1/containers") return containers();
  if (request.path == "/v1/kills") return kills(request);
  if (request.path == "/v1/why") return why(request);
  if (request.path == "/v1/last") return last(request);
  if (request.path == "/v1/report") return report(request);
  if (request.path == "/") return page();
  return error(kNotFound, fmt::format("there is no {}", views::escape_terminal(request.path.substr(0, 64))),
               "there are /v1/status, /v1/containers, /v1/kills, /v1/why, /v1/last, /v1/report, /metrics and "
               "the page: /");
}

// Two that ask from one address are told apart by ?scraper=NAME.
Response Endpoints::metrics(const Request& request) {
  const std::string scraper = request.peer + " " + parameter(request, "scraper").substr(0, 64);
  std::vector<Series> series;
  Health health;
  std::size_t place = 0;
  const bool is_asked = ask([&] {
    const std::uint64_t now_ns = service_.now_ns();
    place = service_.meters().scraper_of(scraper, now_ns);
    series = service_.meters().take(now_ns, place);
    health = health_();
  });
  if (!is_asked) return busy();
  const views::MetricText text = accepted_text(request.accept);
  return {200, std::string(content_type_of(text)), render_metrics(series, health, place, text)};
}

Response Endpoints::status() {
  Health health;
  std::size_t subjects = 0;
  Json thinned = Json::array();
  if (!ask([&] {
        health = health_();
        subjects = service_.meters().size();
        thinned = thinned_of(service_.meters());
      })) {
    return busy();
  }
  Json lost = Json::object();
  for (const auto& [cause, count] : health.lost) lost[cause] = count;
  Json zoomed = Json::array();
  for (const Zoomed& each : health.zoomed) zoomed.push_back(to_json(each));
  Json looked_at = Json::array();
  for (const Zoomed& each : health.looked_at) looked_at.push_back(to_json(each));
  return json_of({{"api_version", 1},
                  {"version", health.version},
                  {"started", format_utc(health.started_realtime_ns)},
                  {"kernel", health.kernel_release},
                  {"tier", health.tier},
                  {"detail", health.detail},
                  {"zoomed", zoomed},
                  {"looked_at", looked_at},
                  {"watched_cgroups", health.living_cgroups},
                  {"containers", subjects},
                  {"kills", health.kills},
                  {"cpu_ns", health.cpu_ns},
                  {"resident_bytes", health.resident_bytes},
                  {"map_bytes", health.map_bytes},
                  {"flight_recorder_bytes", health.flight_bytes},
                  {"flight_recorder_dropped_blocks", health.flight_dropped_blocks},
                  {"dossiers", health.written.dossiers},
                  {"dossier_bytes", health.written.dossier_bytes},
                  {"dossiers_written", health.written.made},
                  {"dossiers_forgotten", health.written.forgotten},
                  {"write_failures", health.written.failed},
                  {"dossiers_not_kept", health.written.unkept_dossiers},
                  {"log_lines_not_kept", health.written.unkept_lines},
                  {"last_write_failure", views::escape_terminal(health.written.last_failure)},
                  {"thinned_moves", health.thinned_moves},
                  {"thinned", thinned},
                  {"lost", lost}});
}

Response Endpoints::containers() {
  std::vector<Series> series;
  std::uint64_t now_ns = 0;
  if (!ask([&] {
        now_ns = service_.now_ns();
        series = service_.meters().take(now_ns, std::nullopt);
      })) {
    return busy();
  }
  Json all = Json::array();
  for (const Series& each : series) all.push_back(to_json(each, now_ns));
  return json_of({{"api_version", 1}, {"now_ns", now_ns}, {"containers", all}});
}

Response Endpoints::kills(const Request& request) {
  const std::uint64_t since_ns = std::strtoull(parameter(request, "since_ns").c_str(), nullptr, 10);
  const std::string target = parameter(request, "target");
  std::vector<KillRecord> found;
  if (!ask([&] {
        for (const KillRecord& kill : service_.kills().all()) {
          if (kill.realtime_ns >= since_ns && is_meant(target, kill)) found.push_back(kill);
        }
      })) {
    return busy();
  }
  Json all = Json::array();
  for (const KillRecord& kill : found) all.push_back(to_json(kill));
  return json_of({{"api_version", 1}, {"kills", all}});
}

// The report of its dossier; before that is on the disk, of what there is by now. Where there is none, what
// is known of the kill: the text is never empty.
Response Endpoints::why(const Request& request) {
  const std::string target = parameter(request, "target");
  std::optional<KillRecord> kill;
  std::optional<Service::Unfinished> unfinished;
  std::uint64_t now_ns = 0;
  if (!ask([&] {
        const KillRecord* known = service_.last_kill(target);
        if (known == nullptr) return;
        kill = *known;
        now_ns = service_.now_ns();
        if (kill->dossier.empty()) unfinished = service_.unfinished(kill->number);
      })) {
    return busy();
  }
  if (!kill) {
    return error(kNotFound,
                 target.empty() ? "no kill is known on this node"
                                : fmt::format("no kill of {} is known", views::escape_terminal(target)),
                 "`memspike kills` lists those that are");
  }
  Json answer = {{"api_version", 1}, {"kill", to_json(*kill)}};
  if (unfinished) {
    const auto report = report_of(unfinished->excerpt);
    if (!report) return error(kBusy, report.error().message);
    answer["text"] = render(*report);
    answer["note"] = in_the_making(unfinished->complete_ns, now_ns);
    return json_of(answer);
  }
  const auto text =
      kill->dossier.empty()
          ? std::nullopt
          : cgroup::read_small_file(service_.dossier_path(kill->dossier) / kTextFile, kMostTextBytes);
  if (text) {
    answer["text"] = *text;
    answer["dossier"] = service_.dossier_path(kill->dossier).string();
    return json_of(answer);
  }
  const std::string why_not =
      kill->no_dossier.empty() ? "its dossier has made room for later ones" : kill->no_dossier;
  answer["text"] = sentence_of(*kill);
  answer["note"] = fmt::format("there is no dossier of it: {}", why_not);
  return json_of(answer);
}

Response Endpoints::page() {
  Glance glance;
  if (!ask([&] {
        const std::uint64_t now_ns = service_.now_ns();
        glance.series = service_.meters().take(now_ns, std::nullopt);
        glance.kills.assign(service_.kills().all().begin(), service_.kills().all().end());
        glance.health = health_();
        glance.realtime_ns = service_.session().session.to_realtime_ns(now_ns);
      })) {
    return busy();
  }
  return {200, "text/html; charset=utf-8", render_page(glance)};
}

// Of a dossier, as one HTML file. Its name is a file's: it may not lead anywhere else.
Response Endpoints::report(const Request& request) {
  const std::string name = parameter(request, "dossier");
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    return error(kBadRequest, "the name of a dossier is needed");
  const auto recording =
      cgroup::read_small_file(service_.dossier_path(name) / kRecordingFile, kMostRecordingBytes);
  if (!recording)
    return error(kNotFound, "there is no such dossier", "`memspike kills` lists those that are");
  lives::LifeOptions options;
  options.keep_timeline = true;
  lives::LifeTable table(options);
  recording::Reader reader([&table](std::size_t, const facts::Fact& fact) { table.apply(fact); });
  if (!reader.feed(*recording) || !reader.finish()) return error(kBusy, "its recording cannot be read");
  Response response{200, "text/html; charset=utf-8", {}};
  const auto append = [&response](std::string_view text) -> Result<void> {
    response.body += text;
    return {};
  };
  if (const auto rendered = views::render_html(table.take(), append); !rendered)
    return error(kBusy, rendered.error().message);
  return response;
}

Response Endpoints::last(const Request& request) {
  const std::string target = parameter(request, "target");
  const std::uint64_t for_ns = std::strtoull(parameter(request, "for_ns").c_str(), nullptr, 10);
  if (target.empty() || for_ns == 0) return error(kBadRequest, "target and for_ns are needed");
  std::optional<Excerpt> excerpt;
  if (!ask([&] { excerpt = service_.last(target, for_ns); })) return busy();
  if (!excerpt || excerpt->flight.strands.empty()) {
    return error(kNotFound, fmt::format("nothing of {} is kept", views::escape_terminal(target)),
                 "`memspike list` shows what is there");
  }
  Response response{200, "application/octet-stream", {}};
  const auto append = [&response](std::string_view bytes) -> Result<void> {
    response.body += bytes;
    return {};
  };
  const auto written = write_recording(*excerpt, append);
  if (!written) return error(kBusy, written.error().message);
  return response;
}

}  // namespace memspike::serve
