#include "symbols/assemble.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

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

  facts::NamedStacks take() { return std::move(result_); }

  void add(const facts::RawStack& raw) {
    facts::Stack stack = raw.stack;
    add_kernel_part(raw, stack);
    add_user_part(raw, stack);
    result_.stacks.push_back(std::move(stack));
  }

 private:
  using Key = std::tuple<std::uint32_t, std::uint64_t, std::string, std::uint32_t>;  // module to line

  std::uint32_t module(const facts::Module& module) {
    const auto [known, is_new] = modules_.try_emplace({module.path, module.build_id},
                                                      static_cast<std::uint32_t>(result_.modules.size()));
    if (is_new) result_.modules.push_back(module);
    return known->second;
  }

  // Adds what was inlined there, and the frame itself.
  void add_frames(const Place& place, std::vector<std::uint32_t>& stack) {
    const auto number = numbers_.find(place);
    const auto inlined = number == numbers_.end() ? code_.inlined.end() : code_.inlined.find(number->second);
    if (inlined != code_.inlined.end()) {
      for (facts::Frame inside : inlined->second) {
        if (inside.function.empty()) continue;
        inside.module = module(code_.modules[inside.module]);
        stack.push_back(frame_number(std::move(inside)));
      }
    }
    stack.push_back(frame(place));
  }

  std::uint32_t frame(const Place& place) {
    facts::Frame frame{"", 0, place.address};
    const auto number = numbers_.find(place);
    if (number != numbers_.end() && number->second < code_.frames.size()) {
      frame = code_.frames[number->second];
      frame.module = module(code_.modules[frame.module]);
    } else {
      frame.module = module({place.tgid == 0 ? "[kernel]" : "[unknown]", ""});
    }
    return frame_number(std::move(frame));
  }

  std::uint32_t frame_number(facts::Frame frame) {
    const auto [known, is_new] =
        frames_.try_emplace(Key{frame.module, frame.address, frame.function, frame.line},
                            static_cast<std::uint32_t>(result_.frames.size()));
    if (is_new) result_.frames.push_back(std::move(frame));
    return known->second;
  }

  void add_kernel_part(const facts::RawStack& raw, facts::Stack& stack) {
    bool is_inside = false;  // of what was traced: past the frames of the tracing itself
    for (std::size_t i = 0; i < raw.kernel.size(); ++i) {
      const std::uint32_t number = frame(place_of(0, raw.kernel, i));
      is_inside = is_inside || !is_tracing(result_.frames[number].function);
      if (is_inside) stack.kernel.push_back(number);
    }
  }

  // A return address that lies in no code was none.
  bool is_code(std::uint32_t number) const {
    return result_.modules[result_.frames[number].module].path != "[unknown]";
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
    const bool is_whole = raw.ending == facts::Ending::whole ||
                          (!is_broken && is_start_of_thread(result_.frames[stack.user.back()].function));
    stack.cut_short = !is_whole;
  }

  const Code& code_;
  std::map<Place, std::uint32_t> numbers_;
  facts::NamedStacks result_;
  std::map<Key, std::uint32_t> frames_;
  std::map<std::pair<std::string, std::string>, std::uint32_t> modules_;
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
