#include "cli/formats.h"

#include <algorithm>
#include <array>

#include "cli/options.h"
#include "cli/terminal.h"
#include "views/html/html.h"
#include "views/json/json.h"
#include "views/metrics/openmetrics.h"
#include "views/profile/folded.h"
#include "views/profile/pprof.h"
#include "views/text/text.h"

namespace memspike::cli {
namespace {

using Kind = FormatRow::Kind;
using Timeline = FormatRow::Timeline;

Result<void> render_text(const report::Report& report, const OutputOptions& options, int fd,
                         const views::Sink& sink) {
  views::TextStyle style = style_for(fd);
  style.kernel_frames = options.kernel_frames;
  if (options.full) return sink(views::render_text(report, style));
  if (options.text_parts.any()) return sink(views::render_text(report, style, options.text_parts));
  return sink(views::render_short(report, style));
}

Result<void> render_json(const report::Report& report, const OutputOptions&, int, const views::Sink& sink) {
  return views::render_json(report, sink);
}

Result<void> render_html(const report::Report& report, const OutputOptions&, int, const views::Sink& sink) {
  return views::render_html(report, sink);
}

Result<void> render_openmetrics(const report::Report& report, const OutputOptions&, int,
                                const views::Sink& sink) {
  return views::render_openmetrics(report, sink);
}

views::KernelFrames kernel_frames(const OutputOptions& options) {
  return options.kernel_frames ? views::KernelFrames::all : views::KernelFrames::way_in;
}

Result<void> render_folded(const report::Report& report, const OutputOptions& options, int,
                           const views::Sink& sink) {
  return sink(views::render_folded(report, kernel_frames(options)));
}

Result<void> render_pprof(const report::Report& report, const OutputOptions& options, int,
                          const views::Sink& sink) {
  return views::render_pprof(report, kernel_frames(options)).and_then(sink);
}

constexpr const char* kNoRecording = "a recording is not for a terminal";
constexpr const char* kNoProfile = "a pprof profile is no text for a terminal";

// In the order of Format, which is that of the help.
constexpr std::array<FormatRow, 8> kRows{{
    {Format::text, "text", Kind::document, false, false, Timeline::never, false, nullptr, render_text},
    {Format::json, "json", Kind::document, false, true, Timeline::if_asked, false, nullptr, render_json},
    {Format::csv, "csv", Kind::stream, false, false, Timeline::never, false, nullptr, nullptr},
    {Format::html, "html", Kind::document, true, true, Timeline::always, false, nullptr, render_html},
    {Format::openmetrics, "openmetrics", Kind::document, true, false, Timeline::never, false, nullptr,
     render_openmetrics},
    {Format::perfetto, "perfetto", Kind::recording, false, false, Timeline::never, false, kNoRecording,
     nullptr},
    {Format::folded, "folded", Kind::document, false, false, Timeline::never, true, nullptr, render_folded},
    {Format::pprof, "pprof", Kind::document, true, false, Timeline::never, true, kNoProfile, render_pprof},
}};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].format != static_cast<Format>(i)) return false;
    if ((kRows[i].kind == Kind::document) != (kRows[i].render != nullptr)) return false;
  }
  return kRows.back().format == Format::pprof;
}
static_assert(is_in_order(), "a row for each Format, in its order; documents are rendered");

}  // namespace

std::span<const FormatRow> all_formats() { return kRows; }

const FormatRow& row_of(Format format) { return kRows.at(static_cast<std::size_t>(format)); }

std::vector<std::string> names_of_formats(bool with_recording) {
  std::vector<std::string> names;
  for (const FormatRow& row : kRows) {
    if (with_recording || row.kind != Kind::recording) names.emplace_back(row.name);
  }
  return names;
}

const FormatRow* find_format(std::string_view name) {
  const auto* row =
      std::find_if(kRows.begin(), kRows.end(), [&](const FormatRow& r) { return r.name == name; });
  return row == kRows.end() ? nullptr : &*row;
}

}  // namespace memspike::cli
