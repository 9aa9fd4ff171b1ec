#include "cli/terminal.h"

#include <langinfo.h>
#include <poll.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <clocale>
#include <cstdlib>
#include <string_view>

#include "cli/exit_code.h"
#include "views/kit/escape.h"

namespace memspike::cli {
namespace {

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// A locale that is named but not installed, as on a node that has next to nothing, still says how characters
// are written.
bool names_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!is_set(variable)) continue;
    const std::string_view name = std::getenv(variable);
    return name.find(".UTF-8") != name.npos || name.find(".utf8") != name.npos;
  }
  return false;
}

bool locale_is_utf8() {
  if (std::setlocale(LC_CTYPE, "") == nullptr) return names_utf8();
  return std::string_view(nl_langinfo(CODESET)) == "UTF-8";
}

bool status_is_shown = false;  // on the one stderr that there is

// A terminal that was stopped (Ctrl-S), or a pipe that nobody reads, is given a moment, once: the recording
// goes on without what there was to say.
bool takes_more() {
  constexpr int kMomentMs = 200;
  static bool has_stalled = false;
  pollfd wait{STDERR_FILENO, POLLOUT, 0};
  has_stalled = poll(&wait, 1, has_stalled ? 0 : kMomentMs) <= 0;
  return !has_stalled;
}

void write_all(std::string_view text) {
  while (!text.empty() && takes_more()) {
    // What a pipe that takes anything takes at once.
    const ssize_t written = write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written <= 0) return;  // nobody to tell
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void wipe_status() {
  if (!status_is_shown) return;
  write_all("\r\x1b[K");
  status_is_shown = false;
}

// Says what there is to say on a line of its own: not behind the status.
class TalkSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    wipe_status();
    write_all({line.data(), line.size()});
  }
  void flush_() override {}
};

// A job in the background has no terminal to paint on.
bool has_terminal() { return tcgetpgrp(STDERR_FILENO) == getpgrp(); }

}  // namespace

views::TextStyle style_for(int fd) {
  views::TextStyle style;
  style.utf8 = locale_is_utf8();
  if (isatty(fd) == 0) return style;
  const char* term = std::getenv("TERM");
  style.color = !is_set("NO_COLOR") && term != nullptr && std::string_view(term) != "dumb";
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.columns = size.ws_col;
  return style;
}

void set_up_talk(bool quiet, bool verbose) {
  auto logger = std::make_shared<spdlog::logger>("memspike", std::make_shared<TalkSink>());
  logger->set_pattern("memspike: %v");
  logger->set_level(quiet ? spdlog::level::err : verbose ? spdlog::level::debug : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

int complain(const Error& error) {
  spdlog::error("{}", error.message);
  if (!error.advice.empty()) spdlog::error("{}", error.advice);
  return exit_code(error.kind);
}

StatusLine::StatusLine(bool enabled) : enabled_(enabled && isatty(STDERR_FILENO) != 0) {}

void StatusLine::show(const std::string& line) {
  if (!enabled_ || !has_terminal()) return;
  write_all("\r" + line + "\x1b[K");
  status_is_shown = true;
}

void StatusLine::wipe() { wipe_status(); }

}  // namespace memspike::cli
