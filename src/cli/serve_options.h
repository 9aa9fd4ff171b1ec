// The options of the service, and of those who ask it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/options.h"

namespace memspike::cli {

// The command line of `serve` with the options of its --config file behind it. ErrorKind::usage.
Result<std::vector<std::string>> with_config_file(const std::vector<std::string>& arguments);

// The options anew, as SIGHUP wants them. ErrorKind::usage.
Result<ServeCommand> parse_serve(const std::vector<std::string>& arguments);

class ServiceCommands {
 public:
  void add_to(CLI::App& app);
  // The one that was given; nothing: another command was.
  std::optional<Command> chosen(const CLI::App& app);

 private:
  struct Raw {
    std::optional<std::uint64_t> keep_ns;
    std::optional<std::uint64_t> after_ns;
    std::optional<std::uint64_t> memory_bytes;
    std::optional<std::uint64_t> dossier_bytes;
    std::optional<std::uint64_t> for_ns;
  };

  void add_serve(CLI::App& app);
  void add_why(CLI::App& app);
  void add_kills(CLI::App& app);
  void add_last(CLI::App& app);
  void add_status(CLI::App& app);

  ServeCommand serve_;
  WhyCommand why_;
  KillsCommand kills_;
  LastCommand last_;
  StatusCommand status_;
  Raw raw_;
};

}  // namespace memspike::cli
