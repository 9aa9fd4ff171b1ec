#include "cli/meant.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "cgroup/suggest.h"
#include "cgroup/text.h"

namespace memspike::cli {
namespace {

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> names_of(const std::vector<const CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Only what is alike by half or more: a guess at anything would be noise.
std::string did_you_mean(std::string_view wanted, const std::vector<std::string>& names) {
  const std::size_t nearest = cgroup::nearest(wanted, names);
  if (nearest >= names.size() || cgroup::edit_distance(wanted, names[nearest]) > wanted.size() / 2) return "";
  return fmt::format("; did you mean {}?", names[nearest]);
}

bool is_executable(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0;
  const char* const path = std::getenv("PATH");
  const auto directories = cgroup::split(path == nullptr ? "" : path, ':');
  return std::any_of(directories.begin(), directories.end(), [&](std::string_view directory) {
    return access(fmt::format("{}/{}", directory, name).c_str(), X_OK) == 0;
  });
}

// What a first word that is no command is for: a recording, a program, something on this node.
std::string command_for(const std::string& word) {
  std::error_code ignored;
  const std::string shown = cgroup::printable(word);
  if (word.ends_with(".pftrace") && std::filesystem::is_regular_file(word, ignored)) {
    return fmt::format("; did you mean `memspike report {}`?", shown);
  }
  const bool has_slash = word.find('/') != std::string::npos;
  const bool is_file = std::filesystem::is_regular_file(word, ignored);
  if (is_executable(word) && (!has_slash || is_file)) {
    return fmt::format("; did you mean `memspike run -- {}`?", shown);
  }
  const bool is_id = word.size() >= 4 && word.find_first_not_of("0123456789abcdef-") == std::string::npos;
  return has_slash || is_id ? fmt::format("; did you mean `memspike record {}`?", shown) : "";
}

// Whether the word behind it is its value.
bool takes_next(const CLI::App& app, std::string_view argument) {
  const auto takes_value = [&](const std::string& name) {
    const CLI::Option* const option = app.get_option_no_throw(name);
    return option != nullptr && option->get_items_expected_max() > 0;
  };
  if (argument.starts_with("--")) {
    return argument.find('=') == std::string_view::npos && takes_value(std::string(argument));
  }
  // Short ones in a row ("-qf"): what follows the first that takes one is its value.
  for (std::size_t i = 1; i < argument.size(); ++i) {
    if (takes_value(fmt::format("-{}", argument[i]))) return i + 1 == argument.size();
  }
  return false;
}

}  // namespace

std::string explain(const CLI::App& app, const CLI::Error& error, const std::string& first) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty() && !first.empty()) {
    const bool is_option = first.front() == '-';
    const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
    std::string hint = did_you_mean(first, is_option ? names_of(app.get_options()) : names_of(commands));
    if (!is_option && hint.empty()) hint = command_for(first);
    if (is_option && hint.empty()) return error.what();
    return fmt::format("there is no {} \"{}\"{}", is_option ? "option" : "command", cgroup::printable(first),
                       hint);
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !chosen.empty()) {
    for (const std::string& extra : app.remaining(true)) {
      if (extra.rfind("--", 0) != 0) continue;
      const CLI::App* command = chosen.front();
      const std::string name = extra.substr(0, extra.find('='));
      return fmt::format("{} has no option \"{}\"{}", command->get_name(), cgroup::printable(name),
                         did_you_mean(name, names_of(command->get_options())));
    }
  }
  return error.what();
}

std::vector<std::string> cut_command(const CLI::App& run, std::vector<std::string>& arguments) {
  std::size_t begin = 1;
  while (begin < arguments.size() && arguments[begin].size() > 1 && arguments[begin].front() == '-' &&
         arguments[begin] != "--") {
    begin += takes_next(run, arguments[begin]) ? 2 : 1;
  }
  if (begin >= arguments.size()) return {};
  const std::size_t first = begin + (arguments[begin] == "--" ? 1 : 0);
  std::vector<std::string> command(arguments.begin() + static_cast<std::ptrdiff_t>(first), arguments.end());
  arguments.resize(begin);
  return command;
}

void take_help(const CLI::App& app, std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front() != "help") return;
  arguments.erase(arguments.begin());
  arguments.resize(std::min<std::size_t>(arguments.size(), 1));
  const auto commands = names_of(app.get_subcommands([](const CLI::App*) { return true; }));
  const bool is_known =
      arguments.empty() || std::find(commands.begin(), commands.end(), arguments.front()) != commands.end();
  if (is_known) arguments.emplace_back("--help");
}

}  // namespace memspike::cli
