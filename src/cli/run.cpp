// memspike run: a memory cgroup of its own around a command, for people without a cluster.
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cgroup/own_cgroup.h"
#include "cgroup/text.h"
#include "cli/child.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/guardian.h"
#include "cli/relay.h"
#include "cli/trace.h"

namespace memspike::cli {
namespace {

SessionOptions session_options(const RunCommand& command, const cgroup::Hierarchy& hierarchy,
                               const std::string& path) {
  SessionOptions options;
  options.trace = command.trace;
  options.output = command.output;
  options.scope.hierarchy = hierarchy;
  options.scope.roots = command.common.roots;
  options.scope.target.description = "command " + command.command.front();
  options.scope.target.cgroup = path;
  return options;
}

int exec_failure(const std::string& command, int error) {
  spdlog::error("cannot run {}: {}", cgroup::printable(command), std::strerror(error));
  return error == ENOENT ? kExitCommandNotFound : kExitNotExecutable;
}

// What the command's end becomes: what it was to be failed for comes first.
int judge(const RunCommand& command, const report::Report& report, const std::string& path, int code) {
  const auto own = std::find_if(report.memcgs.begin(), report.memcgs.end(),
                                [&](const report::Memcg& memcg) { return memcg.path == path; });
  if (own == report.memcgs.end()) return code;
  for (const Condition& condition : command.fail_if) {
    const auto told = tell_if_met(condition, *own);
    if (!told) continue;
    spdlog::error("failed, as asked for by {}", *told);
    code = kExitConditionMet;
  }
  return code;
}

// The report comes when the command has ended, or when recording has: by --duration, or by a failure.
Result<int> record_command(const RunCommand& command, Trace& trace, Child& child,
                           const cgroup::OwnCgroup& own) {
  if (auto tracked = trace.session().capture().track(own.path()); !tracked)
    return tl::unexpected(tracked.error());
  if (auto watched = trace.loop().watch_process(child.pid()); !watched)
    return tl::unexpected(watched.error());
  if (const int error = child.release(); error != 0) return exec_failure(command.command.front(), error);
  const Relay relay(child.pid(), own.dir());
  const auto on_signal = [&relay](const Signal& signal) {
    relay.take(signal);
    return EventLoop::Answer::go_on;
  };
  auto reason = trace.run([]() -> Result<bool> { return true; }, on_signal);
  if (!reason) spdlog::error("{}", reason.error().message);
  const bool has_ended = reason && *reason == EventLoop::Reason::process_ended;
  auto report = trace.finish();
  if (!has_ended) {
    if (auto waited = trace.wait_for_process(on_signal); !waited) return tl::unexpected(waited.error());
  }
  const int code = child.wait();
  if (!report) return tl::unexpected(report.error());
  return judge(command, *report, own.path(), code);
}

// What the command left running keeps its cgroup, and must not keep who waits for memspike.
void leave(cgroup::OwnCgroup& own) {
  constexpr int kTries = 10;
  constexpr useconds_t kLookAgain = 5'000;  // microseconds: what was killed is gone by then
  for (int i = 0; i < kTries; ++i) {
    if (own.try_to_remove()) break;
    if (i + 1 == kTries) spdlog::info("processes of the command still run; their cgroup goes with the last");
    usleep(kLookAgain);
  }
  own.leave();  // to the guardian
}

}  // namespace

int execute(const RunCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  auto hierarchy = cgroup::find_hierarchy(command.common.roots);
  if (!hierarchy) return complain(hierarchy.error());
  auto own = cgroup::OwnCgroup::create(*hierarchy, command.common.roots,
                                       fmt::format("memspike-run-{}", getpid()), command.limit_bytes);
  if (!own) return complain(own.error());
  guard(*own);
  auto trace =
      Trace::start(session_options(command, *hierarchy, own->path()), command.common, Trace::Role::wrapper);
  if (!trace) return complain(trace.error());
  (*trace)->still_written().cgroup_dir = own->dir().string();
  (*trace)->still_written().has_child = true;
  int code = kExitFailed;
  {
    auto child = Child::prepare(command.command, *own);
    if (!child) return complain(child.error());
    auto result = record_command(command, **trace, *child, *own);
    code = result ? *result : complain(result.error());
  }
  leave(*own);
  return code;
}

}  // namespace memspike::cli
