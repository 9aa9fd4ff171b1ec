// memspike run: a memory cgroup of its own around a command, for people without a cluster.
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "cgroup/own_cgroup.h"
#include "cgroup/text.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/trace.h"

namespace memspike::cli {
namespace {

SessionOptions session_options(const RunCommand& command, const cgroup::Hierarchy& hierarchy,
                               const std::string& path) {
  SessionOptions options;
  options.trace = command.trace;
  options.output = command.output;
  options.hierarchy = hierarchy;
  options.roots = command.common.roots;
  options.target.description = "command " + command.command.front();
  options.target.cgroup = path;
  return options;
}

int exec_failure(const std::string& command, int error) {
  spdlog::error("cannot run {}: {}", cgroup::printable(command), std::strerror(error));
  return error == ENOENT ? kExitCommandNotFound : kExitNotExecutable;
}

// SIGINT comes from the terminal, which gave it to the command as well; what was sent to
// memspike alone is passed on. Either way the report waits for the command's end.
void pass_on(int signal, pid_t pid) {
  if (signal != SIGINT) kill(pid, signal);
}

Result<int> record_command(const RunCommand& command, Trace& trace, Child& child, const std::string& path) {
  if (auto tracked = trace.session().track(path); !tracked) return tl::unexpected(tracked.error());
  if (auto watched = trace.loop().watch_process(child.pid()); !watched)
    return tl::unexpected(watched.error());
  if (const int error = child.release(); error != 0) return exec_failure(command.command.front(), error);
  trace.loop().survive_first_signal();
  auto reason =
      trace.run([]() -> Result<bool> { return true; }, [&](int signal) { pass_on(signal, child.pid()); });
  if (!reason) spdlog::error("{}", reason.error().message);
  if (reason && *reason == EventLoop::Reason::signal) kill(child.pid(), SIGKILL);  // asked twice
  const int code = child.wait();
  if (auto finished = trace.finish(); !finished) return tl::unexpected(finished.error());
  return code;
}

}  // namespace

int execute(const RunCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  auto hierarchy = cgroup::find_hierarchy(command.common.roots);
  if (!hierarchy) return complain(hierarchy.error());
  auto own = cgroup::OwnCgroup::create(*hierarchy, command.common.roots,
                                       fmt::format("memspike-run-{}", getpid()), command.limit_bytes);
  if (!own) return complain(own.error());
  auto trace = Trace::start(session_options(command, *hierarchy, own->path()), command.common, STDERR_FILENO);
  if (!trace) return complain(trace.error());
  int code = kExitFailed;
  {
    auto child = Child::prepare(command.command, *own);
    if (!child) return complain(child.error());
    auto result = record_command(command, **trace, *child, own->path());
    code = result ? *result : complain(result.error());
  }
  if (auto removed = own->remove(); !removed) spdlog::warn("{}", removed.error().message);
  return code;
}

}  // namespace memspike::cli
