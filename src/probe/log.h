// What libbpf and the verifier say, kept for when it is needed.
#pragma once

#include <string>

namespace memspike::probe {

// Collects libbpf's messages while it lives (one at a time; libbpf's hook is global).
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  const std::string& text() const { return text_; }

  // The program that libbpf said it failed to load, or "".
  std::string failed_program() const;

 private:
  std::string text_;
};

// The one line of a verifier log that matters, and what to do about it.
std::string explain_load_failure(const std::string& log, int error);

}  // namespace memspike::probe
