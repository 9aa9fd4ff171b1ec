#include "probe/log.h"

#include <bpf/libbpf.h>
#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace memspike::probe {
namespace {

std::string* capture = nullptr;
constexpr std::size_t kMaxLogBytes = 256 * 1024;  // a verifier log may be megabytes; its end matters

int keep(enum libbpf_print_level, const char* format, std::va_list arguments) {
  if (capture == nullptr) return 0;
  // A verifier log comes as one message.
  std::va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0) return 0;
  const std::size_t before = capture->size();
  capture->resize(before + static_cast<std::size_t>(length) + 1);
  std::vsnprintf(capture->data() + before, static_cast<std::size_t>(length) + 1, format, arguments);
  capture->pop_back();
  if (capture->size() > kMaxLogBytes) capture->erase(0, capture->size() - kMaxLogBytes);
  return 0;
}

struct Advice {
  std::string_view symptom;
  std::string_view meaning;
};

constexpr std::array kAdvice{
    Advice{"Permission denied", "the kernel refused the program"},
    Advice{"unknown func", "this kernel lacks a BPF helper that the program needs"},
    Advice{"invalid func", "this kernel lacks a BPF helper that the program needs"},
    Advice{"failed to resolve CO-RE relocation", "this kernel lacks a field that the program reads"},
    Advice{"is not found in vmlinux BTF", "this kernel lacks the event"},
    Advice{"RLIMIT_MEMLOCK", "locked memory is limited: raise it (ulimit -l unlimited)"},
    Advice{"too large", "the program exceeds this kernel's verifier limits"},
};

}  // namespace

LogCapture::LogCapture() {
  capture = &text_;
  libbpf_set_print(keep);
}

LogCapture::~LogCapture() { capture = nullptr; }

std::string LogCapture::failed_program() const {
  // "libbpf: prog 'NAME': failed to load: -13"
  const std::size_t end = text_.rfind("': failed to load");
  if (end == std::string::npos) return {};
  const std::size_t start = text_.rfind('\'', end - 1);
  return start == std::string::npos ? std::string{} : text_.substr(start + 1, end - start - 1);
}

std::string explain_load_failure(const std::string& log, int error) {
  for (const Advice& advice : kAdvice) {
    if (log.find(advice.symptom) != std::string::npos) {
      return fmt::format("{} ({})", advice.meaning, std::strerror(error));
    }
  }
  return std::strerror(error);
}

}  // namespace memspike::probe
