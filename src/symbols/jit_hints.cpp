#include "symbols/jit_hints.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxHints = 8;
constexpr std::uint64_t kFew = 20;  // one page in so many is not worth a word

struct Runtime {
  std::string_view file;  // what the name of one of its files begins with
  std::string_view name;
  std::string_view advice;
};

constexpr std::array kRuntimes{
    Runtime{"libjvm.so", "the JVM",
            "start it with -XX:+PreserveFramePointer, and have it write a perf map: "
            "jcmd PID Compiler.perfmap (JDK 17 or newer)"},
    Runtime{"libcoreclr.so", ".NET", "start it with DOTNET_PerfMapEnabled=1"},
    Runtime{"node", "Node.js", "start it with --perf-basic-prof"},
    Runtime{"libnode.so", "Node.js", "start it with --perf-basic-prof"},
    Runtime{"beam.smp", "Erlang", "start it with +JPperf true"},
    Runtime{"python3", "Python", "start it with -X perf (3.12 or newer)"},
    Runtime{"php", "PHP", "start it with opcache.jit_debug=0x10"},
};

struct Process {
  std::string comm;
  std::uint64_t pages = 0;
  std::uint64_t nameless_pages = 0;
  const Runtime* runtime = nullptr;
};

const Runtime* runtime_of(std::string_view path) {
  const std::string_view file = path.substr(path.rfind('/') + 1);
  const auto* found = std::find_if(kRuntimes.begin(), kRuntimes.end(),
                                   [&](const Runtime& each) { return file.starts_with(each.file); });
  return found == kRuntimes.end() ? nullptr : found;
}

std::string hint_of(std::uint32_t pid, const Process& process) {
  const std::string code =
      fmt::format("stacks: code that a JIT made in {} (pid {}) has no names", process.comm, pid);
  if (process.runtime == nullptr) return code + ": it would have them if it wrote /tmp/perf-PID.map";
  return fmt::format("{}: for {}, {}", code, process.runtime->name, process.runtime->advice);
}

}  // namespace

std::vector<std::string> jit_hints(const facts::RawStacks& raw, const std::vector<Place>& places,
                                   const Code& code) {
  std::map<Place, std::size_t> numbers;
  for (std::size_t i = 0; i < std::min(places.size(), code.frames.size()); ++i) numbers.emplace(places[i], i);
  std::map<std::uint32_t, Process> processes;
  for (const facts::RawStack& each : raw.stacks) {
    Process& process = processes[each.stack.pid];
    if (process.comm.empty()) process.comm = each.stack.comm;
    process.pages += each.stack.pages;
    bool is_nameless = false;
    for (std::size_t i = 0; i < each.user.size(); ++i) {
      const auto number = numbers.find({each.stack.pid, each.user[i], i > 0});
      if (number == numbers.end()) continue;
      const facts::Frame& frame = code.frames[number->second];
      is_nameless = is_nameless || (frame.module == Code::kAnonymous && frame.function.empty());
      if (process.runtime == nullptr) process.runtime = runtime_of(code.modules[frame.module].path);
    }
    if (is_nameless) process.nameless_pages += each.stack.pages;
  }
  std::vector<std::pair<std::uint32_t, Process>> worst;
  for (const auto& process : processes) {
    if (process.second.nameless_pages * kFew > process.second.pages) worst.push_back(process);
  }
  std::stable_sort(worst.begin(), worst.end(), [](const auto& a, const auto& b) {
    return a.second.nameless_pages > b.second.nameless_pages;
  });
  if (worst.size() > kMaxHints) worst.resize(kMaxHints);
  std::vector<std::string> hints;
  for (const auto& [pid, process] : worst) hints.push_back(hint_of(pid, process));
  return hints;
}

}  // namespace memspike::symbols
