#include <csignal>
#include <cstdio>
#include <exception>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"

int main(int argc, char** argv) {
  using namespace memspike::cli;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a write error like any other
  try {
    Parsed parsed = parse_command_line(argc, argv);
    if (const int* code = std::get_if<int>(&parsed)) return *code;
    return std::visit([](const auto& command) { return execute(command); }, std::get<Command>(parsed));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "memspike: %s\n", error.what());
    return kExitFailed;
  }
}
