#include "process/runtime.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "cgroup/text.h"

namespace memspike::process {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::size_t kLongestSetting = 64;  // longer ones are no settings
using Words = std::vector<std::string_view>;

std::optional<std::string_view> variable(const Words& environ, std::string_view name) {
  for (const std::string_view entry : environ) {
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

struct Number {
  double value = 0;
  std::string_view unit;
};

std::optional<Number> number_in(std::string_view text, int base = 10) {
  Number number;
  if (base == 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
    if (error != std::errc{} || number.value < 0) return std::nullopt;
    number.unit = text.substr(static_cast<std::size_t>(end - text.data()));
    return number;
  }
  std::uint64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  number.value = static_cast<double>(whole);
  return number;
}

std::optional<std::uint64_t> bytes_of(double bytes) {
  constexpr double kMost = 1e18;
  if (!(bytes > 0) || bytes > kMost) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(bytes));
}

// "80m", "1g", "65536k" or "83886080", as the JVM takes them.
std::optional<std::uint64_t> jvm_size(std::string_view text) {
  const auto number = number_in(text);
  if (!number || number->unit.size() > 1) return std::nullopt;
  if (number->unit.empty()) return bytes_of(number->value);
  switch (number->unit.front() | 0x20) {  // of either case
    case 'k':
      return bytes_of(number->value * 1024);
    case 'm':
      return bytes_of(number->value * 0x1p20);
    case 'g':
      return bytes_of(number->value * 0x1p30);
    case 't':
      return bytes_of(number->value * 0x1p40);
    default:
      return std::nullopt;
  }
}

// "100MiB", "1GiB", "104857600" or "104857600B", as the Go runtime takes them.
std::optional<std::uint64_t> go_size(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 6> kUnits{
      {{"", 1}, {"B", 1}, {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}}};
  const auto number = number_in(text);
  if (!number) return std::nullopt;
  const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(),
                                        [&](const auto& known) { return known.first == number->unit; });
  return unit == kUnits.end() ? std::nullopt : bytes_of(number->value * unit->second);
}

// Of a launcher that is not Java's own, all arguments may be the JVM's: which are not is not known.
Words launcher_options(const Words& arguments, const Words& environ) {
  Words options;
  const auto add = [&](std::string_view name) {
    for (const std::string_view word : cgroup::split(variable(environ, name).value_or(""), ' ')) {
      options.push_back(word);
    }
  };
  add("JAVA_TOOL_OPTIONS");
  options.insert(options.end(), arguments.begin(), arguments.end());
  add("_JAVA_OPTIONS");
  return options;
}

// The last that is given counts: those of JAVA_TOOL_OPTIONS and JDK_JAVA_OPTIONS come before the command
// line's, those of _JAVA_OPTIONS behind them.
Words jvm_options(const Words& arguments, const Words& environ) {
  Words options;
  const auto add = [&](std::string_view name) {
    for (const std::string_view word : cgroup::split(variable(environ, name).value_or(""), ' ')) {
      options.push_back(word);
    }
  };
  add("JAVA_TOOL_OPTIONS");
  add("JDK_JAVA_OPTIONS");
  for (const std::string_view argument : arguments) {
    if (argument == "-jar" || !argument.starts_with('-')) {
      // What follows is the program's; but the class path is an argument of its own.
      const bool is_value = !options.empty() && (options.back() == "-cp" || options.back() == "-classpath" ||
                                                 options.back() == "--class-path" || options.back() == "-p" ||
                                                 options.back() == "--module-path");
      if (!is_value) break;
    }
    options.push_back(argument);
  }
  add("_JAVA_OPTIONS");
  return options;
}

Runtime jvm(const Words& options) {
  constexpr std::string_view kMaxHeap = "-XX:MaxHeapSize=";
  Runtime runtime{"JVM", "", {}, true};
  for (const std::string_view option : options) {
    if (option.size() > kLongestSetting) continue;
    const bool is_xmx = option.starts_with("-Xmx");
    if (is_xmx || option.starts_with(kMaxHeap)) {
      const auto bytes = jvm_size(option.substr(is_xmx ? 4 : kMaxHeap.size()));
      if (bytes) runtime = {"JVM", std::string(option), bytes, false};
    } else if (runtime.follows_limit && option.starts_with("-XX:Max") &&
               (option.find("RAMPercentage=") != std::string_view::npos ||
                option.find("RAMFraction=") != std::string_view::npos)) {
      runtime.setting = std::string(option);  // a fixed size goes before a share, wherever it stands
    }
  }
  return runtime;
}

Runtime node(const Words& arguments, const Words& environ) {
  Words options = cgroup::split(variable(environ, "NODE_OPTIONS").value_or(""), ' ');
  for (const std::string_view argument : arguments) {
    if (!argument.starts_with('-')) break;  // the script's own
    options.push_back(argument);
  }
  Runtime runtime{"Node.js", "", {}, true};
  for (const std::string_view option : options) {
    for (const std::string_view name : {"--max-old-space-size=", "--max_old_space_size="}) {
      if (!option.starts_with(name) || option.size() > kLongestSetting) continue;
      const auto mebibytes = number_in(option.substr(name.size()));
      if (!mebibytes || !mebibytes->unit.empty()) continue;
      const auto bytes = bytes_of(mebibytes->value * static_cast<double>(kMiB));
      if (bytes) runtime = {"Node.js", std::string(option), bytes, false};
    }
  }
  return runtime;
}

Runtime dotnet(const Words& environ) {
  Runtime runtime{".NET", "", {}, true};
  for (const std::string_view name : {"COMPlus_GCHeapHardLimit", "DOTNET_GCHeapHardLimit"}) {
    const auto text = variable(environ, name);
    if (!text || text->size() > kLongestSetting) continue;
    const auto number = number_in(text->starts_with("0x") ? text->substr(2) : *text, 16);
    const auto bytes = number ? bytes_of(number->value) : std::nullopt;
    if (bytes) runtime = {".NET", std::string(name) + "=" + std::string(*text), bytes, false};
  }
  return runtime;
}

std::string_view program_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

bool maps_jvm(std::string_view maps) {
  constexpr std::string_view kLibrary = "/libjvm.so";
  for (const std::string_view line : cgroup::split(maps, '\n')) {
    if (line.ends_with(kLibrary) || line.ends_with("/libjvm.so (deleted)")) return true;
  }
  return false;
}

bool is_called_as_jvms(std::string_view comm) {
  static constexpr std::array<std::string_view, 8> kNames{
      "GC Thread#", "G1 ", "C1 Compiler", "C2 Compiler", "VM Thread", "Finalizer", "VM Periodic", "Parallel"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return comm.starts_with(name); });
}

std::optional<Runtime> runtime_of(std::string_view cmdline, std::string_view environ, bool maps_jvm) {
  const Words arguments = cgroup::split(cmdline, '\0');
  if (arguments.empty()) return std::nullopt;
  const Words variables = cgroup::split(environ, '\0');
  const Words rest(arguments.begin() + 1, arguments.end());
  const std::string_view program = program_of(arguments.front());
  if (program == "java") return jvm(jvm_options(rest, variables));
  if (program == "node" || program == "nodejs") return node(rest, variables);
  if (program == "dotnet") return dotnet(variables);
  if (maps_jvm) return jvm(launcher_options(rest, variables));
  const auto limit = variable(variables, "GOMEMLIMIT");
  if (!limit || limit->size() > kLongestSetting) return std::nullopt;
  const auto bytes = go_size(*limit);
  if (!bytes) return std::nullopt;
  return Runtime{"Go", "GOMEMLIMIT=" + std::string(*limit), bytes, false};
}

}  // namespace memspike::process
