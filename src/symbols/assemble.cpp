#include "symbols/assemble.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "facts/code_table.h"

namespace memspike::symbols {
namespace {

template <std::size_t N>
bool begins_with_any(std::string_view text, const std::array<std::string_view, N>& beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return text.rfind(beginning, 0) == 0; });
}

Place place_of(std::uint32_t tgid, const std::vector<std::uint64_t>& addresses, std::size_t at) {
  return {tgid, addresses[at], at > 0};
}

class Assembly {
 public:
  Assembly(const std::vector<Place>& places, const Code& code) : code_(code) {
    for (std::uint32_t i = 0; i < places.size(); ++i) numbers_.emplace(places[i], i);
  }

  facts::NamedStacks take() {
    result_.modules = code_table_.modules();
    result_.frames = code_table_.frames();
    return std::move(result_);
  }

  void add(const facts::RawStack& raw) {
    facts::Stack stack = raw.stack;
    add_kernel_part(raw, stack);
    add_user_part(raw, stack);
    result_.stacks.push_back(std::move(stack));
  }

 private:
  // Adds what was inlined there, and the frame itself.
  void add_frames(const Place& place, std::vector<std::uint32_t>& stack) {
    const auto number = numbers_.find(place);
    const auto inlined = number == numbers_.end() ? code_.inlined.end() : code_.inlined.find(number->second);
    if (inlined != code_.inlined.end()) {
      for (facts::Frame inside : inlined->second) {
        if (inside.function.empty()) continue;
        inside.module = code_table_.module(code_.modules[inside.module]);
        stack.push_back(code_table_.frame(std::move(inside)));
      }
    }
    stack.push_back(frame(place));
  }

  std::uint32_t frame(const Place& place) {
    facts::Frame frame{"", 0, place.address};
    const auto number = numbers_.find(place);
    if (number != numbers_.end() && number->second < code_.frames.size()) {
      frame = code_.frames[number->second];
      frame.module = code_table_.module(code_.modules[frame.module]);
    } else {
      frame.module = code_table_.module({place.tgid == 0 ? "[kernel]" : "[unknown]", ""});
    }
    return code_table_.frame(std::move(frame));
  }

  void add_kernel_part(const facts::RawStack& raw, facts::Stack& stack) {
    bool is_inside = false;  // of what was traced: past the frames of the tracing itself
    for (std::size_t i = 0; i < raw.kernel.size(); ++i) {
      const std::uint32_t number = frame(place_of(0, raw.kernel, i));
      is_inside = is_inside || !is_tracing(code_table_.frames()[number].function);
      if (is_inside) stack.kernel.push_back(number);
    }
  }

  // A return address that lies in no code was none.
  bool is_code(std::uint32_t number) const {
    return code_table_.modules()[code_table_.frames()[number].module].path != "[unknown]";
  }

  void add_user_part(const facts::RawStack& raw, facts::Stack& stack) {
    bool is_broken = false;
    for (std::size_t i = 0; i < raw.user.size(); ++i) {
      const Place place = place_of(stack.pid, raw.user, i);
      is_broken = i > 0 && raw.ending == facts::Ending::frame_pointers && !is_code(frame(place));
      if (is_broken) break;
      add_frames(place, stack.user);
    }
    if (raw.user.empty()) {
      // In exec, and in kernel threads, there is none.
      stack.cut_short =
          raw.ending == facts::Ending::cut || (raw.ending == facts::Ending::leaf && raw.kernel.empty());
      return;
    }
    const bool is_whole =
        raw.ending == facts::Ending::whole ||
        (!is_broken && is_start_of_thread(code_table_.frames()[stack.user.back()].function));
    stack.cut_short = !is_whole;
  }

  const Code& code_;
  std::map<Place, std::uint32_t> numbers_;
  facts::NamedStacks result_;
  facts::CodeTable code_table_;
};

}  // namespace

bool is_start_of_thread(std::string_view function) {
  static constexpr std::array<std::string_view, 11> kStarts{
      "_start",    "__libc_start",   "start_thread",   "clone",       "__clone", "thread_start",
      "_dl_start", "runtime.goexit", "runtime.mstart", "runtime.rt0", "_rt0_"};
  return function == "main" || function == "main.main" || function == "runtime.main" ||
         begins_with_any(function, kStarts);
}

bool is_tracing(std::string_view function) {
  static constexpr std::array<std::string_view, 9> kTracing{
      "bpf_prog_",          "bpf_trampoline", "__bpf_",          "bpf_trace_run", "__traceiter_",
      "bpf_get_task_stack", "stack_trace_",   "arch_stack_walk", "bpf_get_"};
  return begins_with_any(function, kTracing);
}

std::vector<Place> places_of(const facts::RawStacks& raw) {
  std::vector<Place> places;
  std::map<Place, bool> known;
  const auto add = [&](std::uint32_t tgid, const std::vector<std::uint64_t>& addresses) {
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      const Place place = place_of(tgid, addresses, i);
      if (known.emplace(place, true).second) places.push_back(place);
    }
  };
  for (const facts::RawStack& each : raw.stacks) {
    add(0, each.kernel);
    add(each.stack.pid, each.user);
  }
  return places;
}

facts::NamedStacks assemble(const facts::RawStacks& raw, const std::vector<Place>& places, const Code& code) {
  Assembly assembly(places, code);
  for (const facts::RawStack& each : raw.stacks) assembly.add(each);
  return assembly.take();
}

}  // namespace memspike::symbols
