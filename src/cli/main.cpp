#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>

#include "base/own_limits.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"

int main(int argc, char** argv) {
  using namespace memspike::cli;
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a write error like any other
  memspike::raise_open_files();
  try {
    Parsed parsed = parse_command_line(argc, argv);
    if (const int* code = std::get_if<int>(&parsed)) return *code;
    return std::visit([](const auto& command) { return execute(command); }, std::get<Command>(parsed));
  } catch (const std::bad_alloc&) {
    const auto limit = memspike::own_limit_behind(ENOMEM);
    std::fprintf(stderr, "memspike: %s\n", limit ? limit->message.c_str() : "out of memory");
    return kExitFailed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "memspike: %s\n", error.what());
    return kExitFailed;
  }
}
