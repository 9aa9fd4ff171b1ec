// What the terminal behind a file descriptor can show, and talk on stderr.
#pragma once

#include <string>

#include "base/result.h"
#include "views/kit/style.h"

namespace memspike::cli {

// Colour only on a terminal without NO_COLOR (https://no-color.org) and TERM=dumb; glyphs
// outside ASCII only in a UTF-8 locale; the terminal's width, else 100 columns.
views::TextStyle style_for(int fd);

// spdlog on stderr: errors only when quiet, debug when verbose.
void set_up_talk(bool quiet, bool verbose);

// One line for the error, one for its advice. Returns its exit code.
int complain(const Error& error);

// The live status line on stderr, if that is a terminal and this job is in its foreground: repainted in
// place, and wiped before anything else is said there.
class StatusLine {
 public:
  explicit StatusLine(bool enabled);
  ~StatusLine() { wipe(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool enabled() const { return enabled_; }
  views::TextStyle style() const { return style_for(2); }
  void show(const std::string& line);
  void wipe();

 private:
  bool enabled_;
};

}  // namespace memspike::cli
