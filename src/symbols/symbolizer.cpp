#include "symbols/symbolizer.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "symbols/demangle.h"
#include "symbols/files_of_root.h"
#include "symbols/proc_text.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxKallsymsBytes = std::size_t{128} << 20;
constexpr std::size_t kShortStack = 2;  // frames

template <std::size_t N>
bool begins_with_any(std::string_view text, const std::array<std::string_view, N>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return text.rfind(beginning, 0) == 0; });
}

}  // namespace

bool is_start_of_thread(std::string_view function) {
  static constexpr std::array<std::string_view, 7> kStarts{"_start",  "__libc_start", "start_thread", "clone",
                                                           "__clone", "thread_start", "runtime."};
  return function == "main" || function == "main.main" || begins_with_any(function, kStarts);
}

bool is_tracing(std::string_view function) {
  static constexpr std::array<std::string_view, 9> kTracing{
      "bpf_prog_",          "bpf_trampoline", "__bpf_",          "bpf_trace_run", "__traceiter_",
      "bpf_get_task_stack", "stack_trace_",   "arch_stack_walk", "bpf_get_"};
  return begins_with_any(function, kTracing);
}

Symbolizer::Symbolizer(const std::filesystem::path& host_root, bool usable)
    : host_root_(host_root), usable_(usable), modules_(host_root), processes_(host_root, modules_) {}

std::uint32_t Symbolizer::module(const std::string& path, const std::string& build_id) {
  const auto [known, is_new] =
      module_numbers_.try_emplace({path, build_id}, static_cast<std::uint32_t>(result_.modules.size()));
  if (is_new) result_.modules.push_back({path, build_id});
  return known->second;
}

std::uint32_t Symbolizer::frame(report::Frame frame) {
  const auto [known, is_new] = frames_.try_emplace(Key{frame.module, frame.address, frame.function},
                                                   static_cast<std::uint32_t>(result_.frames.size()));
  if (is_new) result_.frames.push_back(std::move(frame));
  return known->second;
}

std::uint32_t Symbolizer::user_frame(std::uint32_t tgid, std::uint64_t address, bool is_return) {
  const Processes::Place place = processes_.locate(tgid, address);
  if (place.module) {
    CodePlace code = modules_.locate(*place.module, place.file_offset, is_return);
    if (!code.function) code.function = processes_.jit_function(tgid, address);
    return frame({demangle(code.function.value_or("")),
                  module(modules_.path(*place.module), modules_.build_id(*place.module)), code.address});
  }
  auto function = processes_.jit_function(tgid, address - (is_return ? 1 : 0));
  const char* where = function ? "[jit]" : place.is_mapped ? "[anon]" : "[unknown]";
  return frame({std::move(function).value_or(""), module(where, ""), address});
}

std::uint32_t Symbolizer::kernel_frame(std::uint64_t address, bool is_return) {
  const auto found = kernel_.find(address - (is_return ? 1 : 0));
  std::string_view function = found.value_or("");
  std::string_view from = "[kernel]";
  // "xfs_file_write_iter [xfs]"
  if (const auto bracket = function.rfind(" ["); bracket != std::string_view::npos) {
    from = function.substr(bracket + 1);
    function = function.substr(0, bracket);
  }
  return frame({std::string(function), module(std::string(from), ""), address});
}

void Symbolizer::name_kernel_part(const report::RawStack& raw, report::Stack& stack) {
  bool is_inside = false;  // of what was traced: past the frames of the tracing itself
  for (std::size_t i = 0; i < raw.kernel.size(); ++i) {
    const std::uint32_t number = kernel_frame(raw.kernel[i], i > 0);
    is_inside = is_inside || !is_tracing(result_.frames[number].function);
    if (is_inside) stack.kernel.push_back(number);
  }
}

void Symbolizer::name_user_part(const report::RawStack& raw, report::Stack& stack) {
  for (std::size_t i = 0; i < raw.user.size(); ++i) {
    stack.user.push_back(user_frame(stack.pid, raw.user[i], i > 0));
  }
  if (stack.user.empty()) return;
  result_.user_pages += stack.pages;
  const bool complete = stack.user.size() > kShortStack ||
                        std::any_of(stack.user.begin(), stack.user.end(), [&](std::uint32_t number) {
                          return is_start_of_thread(result_.frames[number].function);
                        });
  stack.cut_short = !complete;
  if (!complete) result_.cut_short_pages += stack.pages;
}

report::Stacks Symbolizer::name(const report::RawStacks& raw, std::uint64_t page_size_bytes) {
  result_ = {};
  frames_.clear();
  module_numbers_.clear();
  result_.page_size_bytes = page_size_bytes;
  result_.pages = raw.pages;
  result_.overflow_pages = raw.overflow_pages;
  if (const UniqueFd kallsyms = open_regular((host_root_ / "proc/kallsyms").string())) {
    kernel_ = {};
    parse_kallsyms(read_all(kallsyms.get(), kMaxKallsymsBytes), kernel_);
    kernel_.seal();
  }
  for (const report::RawStack& each : raw.stacks) {
    report::Stack stack = each.stack;
    name_kernel_part(each, stack);
    name_user_part(each, stack);
    result_.stacks.push_back(std::move(stack));
  }
  return std::move(result_);
}

}  // namespace memspike::symbols
