// The formats, a row each: what a new one needs to say of itself.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/report.h"
#include "views/kit/sink.h"

namespace memspike::cli {

struct OutputOptions;

enum class Format { text, json, csv, html, openmetrics, perfetto, folded, pprof };

struct FormatRow {
  enum class Kind {
    document,   // made of the report, at the end
    stream,     // rows of the timeline, as they come
    recording,  // facts, as they come
  };
  enum class Timeline { never, if_asked, always };
  // fd: where it will be seen, for its style.
  using Render = Result<void> (*)(const report::Report& report, const OutputOptions& options, int fd,
                                  const views::Sink& sink);

  Format format;
  std::string_view name;
  Kind kind;
  bool holds_one;         // a file of it is one report: it ends with its last line, or is one thing by itself
  bool all_spikes;        // it shows each of them: none may be forgotten
  Timeline timeline;      // whether it shows that
  bool is_of_stacks;      // it is made of nothing else
  const char* not_shown;  // why it is not for a terminal; nullptr: it may go there
  Render render;          // nullptr: what is no document
};

std::span<const FormatRow> all_formats();
const FormatRow& row_of(Format format);

// Of those that can be made of a recording, or of all.
std::vector<std::string> names_of_formats(bool with_recording);

// The row of this name, or nullptr.
const FormatRow* find_format(std::string_view name);

}  // namespace memspike::cli
