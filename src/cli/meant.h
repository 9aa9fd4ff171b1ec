// What people meant by words that the command line does not know.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace memspike::cli {

// CLI11 says of a misspelled command that one is missing, and of an option that it was not expected: better
// is what was meant. `first`: the first argument.
std::string explain(const CLI::App& app, const CLI::Error& error, const std::string& first);

// Takes the command of `run` off its arguments: what follows "--", or begins at the first word that is
// neither an option nor an option's value. All of it is the command's own, even what looks like an option.
std::vector<std::string> cut_command(const CLI::App& run, std::vector<std::string>& arguments);

// `memspike help record` is `memspike record --help`; what is no command stays to be complained about.
void take_help(const CLI::App& app, std::vector<std::string>& arguments);

}  // namespace memspike::cli
