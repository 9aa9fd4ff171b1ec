#include "serve/page.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/units.h"
#include "views/html/escape_html.h"

namespace memspike::serve {
namespace {

using views::html::escape_html;

constexpr std::size_t kMostRows = 1000;
constexpr std::size_t kMostKills = 200;

constexpr const char* kHead = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta http-equiv="refresh" content="10">
<meta name="viewport" content="width=device-width">
<title>memspike: this node</title>
<style>
:root { color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }
body { margin: 1.5rem auto; max-width: 72rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8884; padding: 0.3rem 0.6rem; text-align: left; white-space: nowrap; }
td.name { white-space: normal; overflow-wrap: anywhere; min-width: 12rem; }
.n { font-variant-numeric: tabular-nums; text-align: right; }
.tight { color: #c02020; font-weight: 600; }
svg { display: block; } polyline { fill: none; stroke: #2a6fc9; stroke-width: 1.5; }
</style>
)";

std::string cell(const std::string& text, std::string_view classes = "n") {
  return fmt::format("<td class=\"{}\">{}</td>", classes, text);
}

// What is left below its limit; nothing where there is none.
std::optional<std::uint64_t> headroom_of(const Series& series) {
  if (!series.limit_bytes || series.living == 0) return std::nullopt;
  return *series.limit_bytes - std::min(*series.limit_bytes, series.usage_bytes);
}

// Its highest usage of each second of the last minute, the limit at the top where there is one.
std::string sparkline(const Series& series) {
  const auto to_bytes = [](std::uint32_t kib) { return std::uint64_t{kib} << 10; };
  const std::uint64_t highest =
      to_bytes(*std::max_element(series.minute_kib.begin(), series.minute_kib.end()));
  const std::uint64_t top = std::max<std::uint64_t>({1, highest, series.limit_bytes.value_or(0)});
  std::string points;
  for (std::size_t i = 0; i < kMinute; ++i) {
    const std::uint64_t bytes = to_bytes(series.minute_kib[(series.minute_at + i) % kMinute]);
    const double height = 24.0 * static_cast<double>(bytes) / static_cast<double>(top);
    points += fmt::format("{},{:.1f} ", i * 2, 25.0 - height);
  }
  return fmt::format(R"(<svg width="120" height="26" role="img" aria-label="the last minute, up to {}">)"
                     R"(<polyline points="{}"/></svg>)",
                     format_bytes(highest), points);
}

std::string name_cell(const SubjectId& subject) { return cell(escape_html(label_of(subject)), "name"); }

std::string row_of(const Series& series) {
  const auto headroom = headroom_of(series);
  const bool is_tight = headroom && *headroom < *series.limit_bytes / 10;
  return "<tr>" + name_cell(series.id) +
         cell(headroom ? format_bytes(*headroom) : "", is_tight ? "n tight" : "n") +
         cell(series.living > 0 ? format_bytes(series.usage_bytes) : "gone") +
         cell(series.limit_bytes ? format_bytes(*series.limit_bytes) : "") +
         cell(format_bytes(series.ever_peak_bytes)) + cell(sparkline(series), "") +
         cell(std::to_string(series.bursts)) + cell(std::to_string(series.all_kills())) + "</tr>\n";
}

std::string table_of_containers(std::vector<Series> series) {
  std::stable_sort(series.begin(), series.end(), [](const Series& a, const Series& b) {
    return headroom_of(a).value_or(spike::kNoHeadroom) < headroom_of(b).value_or(spike::kNoHeadroom);
  });
  std::string text =
      fmt::format("<h2>Containers: {}</h2>\n<div class=\"wide\"><table id=\"containers\">\n", series.size());
  text +=
      "<tr><th>container<th class=\"n\">headroom<th class=\"n\">usage<th class=\"n\">limit<th "
      "class=\"n\">peak"
      "<th>last minute<th class=\"n\">spikes<th class=\"n\">kills</tr>\n";
  const std::size_t shown = std::min(series.size(), kMostRows);
  for (std::size_t i = 0; i < shown; ++i) text += row_of(series[i]);
  text += "</table></div>\n";
  if (shown < series.size())
    text += fmt::format("<p>{} more have more headroom.</p>\n", series.size() - shown);
  return text;
}

std::string what_is_there(const KillRecord& kill) {
  if (kill.dossier.empty()) return escape_html(kill.no_dossier.empty() ? "in the making" : kill.no_dossier);
  return fmt::format("<a href=\"/v1/report?dossier={0}\">{0}</a>", escape_html(kill.dossier));
}

std::string table_of_kills(const std::vector<KillRecord>& kills) {
  if (kills.empty()) return "<h2>No OOM kill is known</h2>\n";
  std::string text =
      fmt::format("<h2>OOM kills: {}</h2>\n<div class=\"wide\"><table id=\"kills\">\n", kills.size());
  text += "<tr><th>time (UTC)<th>container<th>process<th>limit<th>dossier</tr>\n";
  std::size_t left = kMostKills;
  for (auto kill = kills.rbegin(); kill != kills.rend() && left > 0; ++kill, --left) {
    text += "<tr>" + cell(format_utc(kill->realtime_ns), "") + name_cell(kill->subject) +
            cell(escape_html(kill->comm), "name") +
            cell(std::string(kKilledBy[static_cast<std::size_t>(kill->by)]), "") +
            cell(what_is_there(*kill), "name") + "</tr>\n";
  }
  return text + "</table></div>\n";
}

}  // namespace

std::string render_page(const Glance& glance) {
  const Health& health = glance.health;
  std::uint64_t lost = 0;
  for (const auto& [cause, count] : health.lost) lost += count;
  std::string text = kHead;
  text += fmt::format(
      "<h1>This node</h1>\n<p>{}: memspike {} watches {} cgroups, {} tier, detail {}. It took {} of CPU "
      "time, "
      "{} of memory; {} records were lost, {} dossiers are kept.</p>\n",
      format_utc(glance.realtime_ns), escape_html(health.version), health.living_cgroups,
      escape_html(health.tier), escape_html(health.detail), format_duration(health.cpu_ns),
      format_bytes(health.resident_bytes), lost, health.written.dossiers);
  text += table_of_containers(glance.series);
  text += table_of_kills(glance.kills);
  return text + "</html>\n";
}

}  // namespace memspike::serve
