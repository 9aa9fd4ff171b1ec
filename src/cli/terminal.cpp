#include "cli/terminal.h"

#include <langinfo.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <string_view>

#include "cli/exit_code.h"
#include "report/escape.h"

namespace memspike::cli {
namespace {

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool locale_is_utf8() {
  std::setlocale(LC_CTYPE, "");
  return std::string_view(nl_langinfo(CODESET)) == "UTF-8";
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;  // nobody to tell
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

report::TextStyle style_for(int fd) {
  report::TextStyle style;
  style.utf8 = locale_is_utf8();
  if (isatty(fd) == 0) return style;
  const char* term = std::getenv("TERM");
  style.color = !is_set("NO_COLOR") && term != nullptr && std::string_view(term) != "dumb";
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.columns = size.ws_col;
  return style;
}

void set_up_talk(bool quiet, bool verbose) {
  auto logger =
      std::make_shared<spdlog::logger>("memspike", std::make_shared<spdlog::sinks::stderr_sink_st>());
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
  if (!enabled_) return;
  write_all("\r" + line + "\x1b[K");
  shown_ = true;
}

void StatusLine::wipe() {
  if (!shown_) return;
  write_all("\r\x1b[K");
  shown_ = false;
}

}  // namespace memspike::cli
