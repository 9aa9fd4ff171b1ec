// memspike record: trace what is there, or what will be.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <optional>

#include "cgroup/hierarchy.h"
#include "cgroup/meaning.h"
#include "cgroup/resolve.h"
#include "cgroup/text.h"
#include "cgroup/wait.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/trace.h"
#include "process/clock.h"

namespace memspike::cli {
namespace {

// A pod's cgroup (or the recorded one) may be removed and made again, as kubelets do when
// they sync a static pod: only then is it gone for good.
constexpr std::uint64_t kGoneForGoodNs = 1'000'000'000;
constexpr std::uint64_t kResolvePeriodNs = 100'000'000;

facts::Target to_target(const cgroup::ResolvedTarget& resolved) {
  facts::Target target;
  target.description = resolved.description;
  target.pod_uid = resolved.pod_uid;
  target.namespace_name = resolved.namespace_name;
  target.pod = resolved.pod;
  target.qos = resolved.qos;
  if (!resolved.root_paths.empty()) target.cgroup = resolved.root_paths.front();
  return target;
}

// Follows one target through its life: not there yet, there, gone, gone for good.
class Recording {
 public:
  Recording(const RecordCommand& command, const cgroup::Hierarchy& hierarchy)
      : command_(command), hierarchy_(hierarchy) {}

  Result<void> run() {
    auto resolved = cgroup::resolve(command_.target, hierarchy_, command_.common.roots);
    const bool absent = !resolved && resolved.error().kind == ErrorKind::not_found;
    if (!resolved && !(absent && command_.wait)) return tl::unexpected(resolved.error());
    if (auto started = start(resolved ? &*resolved : nullptr); !started) return started;
    if (resolved) {
      if (auto tracked = track(*resolved); !tracked) return tracked;
    } else {
      spdlog::info("waiting: {}", resolved.error().message);
    }
    spdlog::info("recording; Ctrl-C ends it with the report");
    auto reason = trace_->run([this] { return more(); });
    if (!reason) {
      // What was recorded up to here is worth more than the reason why it ended.
      spdlog::error("{}", reason.error().message);
      failed_ = true;
    }
    if (timed_out_ && !seen_) {
      return fail(ErrorKind::not_found, "the target did not appear in time",
                  "run `memspike list` to see what is there");
    }
    if (auto finished = trace_->finish(); !finished) return tl::unexpected(finished.error());
    return failed_ ? fail(ErrorKind::failed, "the recording ended early") : Result<void>{};
  }

 private:
  Result<void> start(const cgroup::ResolvedTarget* resolved) {
    SessionOptions options;
    options.trace = command_.trace;
    options.output = command_.output;
    options.scope.hierarchy = hierarchy_;
    options.scope.roots = command_.common.roots;
    options.scope.container_filter = command_.target.containers;
    if (resolved != nullptr) {
      options.scope.target = to_target(*resolved);
      options.scope.follow = resolved->follow;
    } else {
      options.scope.target.description = asked_for();
    }
    // Also of a target that is there: it may be removed and made again.
    if (!options.scope.follow && !command_.target.pid) {
      auto plan = cgroup::wait_patterns(command_.target, hierarchy_);
      if (!plan) return tl::unexpected(plan.error());
      if (!plan->leaf_prefixes.empty()) options.scope.follow = std::move(*plan);
    }
    auto trace = Trace::start(std::move(options), command_.common, Trace::Role::recorder);
    if (!trace) return tl::unexpected(trace.error());
    trace_ = std::move(*trace);
    started_ns_ = monotonic_ns();
    return {};
  }

  Result<void> track(const cgroup::ResolvedTarget& resolved) {
    for (const std::string& path : resolved.root_paths) {
      if (auto tracked = trace_->session().capture().track(path); !tracked) return tracked;
      spdlog::debug("tracing {}", cgroup::printable(path));
    }
    if (command_.target.pid && !watching_pid_) {
      if (auto watched = trace_->loop().watch_process(*command_.target.pid); !watched) return watched;
      watching_pid_ = true;
    }
    trace_->session().capture().set_target(to_target(resolved));
    if (!resolved.note.empty()) {
      spdlog::warn("{}", resolved.note);
      trace_->session().capture().note(resolved.note);
    }
    known_ = true;
    return {};
  }

  std::string asked_for() const {
    const cgroup::TargetSpec& spec = command_.target;
    if (spec.pod_uid) return "pod " + *spec.pod_uid;
    if (spec.pod) return "pod " + *spec.pod;
    if (spec.name) return "container " + *spec.name;
    if (spec.unit) return "unit " + *spec.unit;
    if (spec.cgroup_path) return "cgroup " + *spec.cgroup_path;
    return "process " + std::to_string(spec.pid.value_or(0));
  }

  // At every tick: is there still something to record?
  Result<bool> more() {
    const std::uint64_t now = monotonic_ns();
    const bool live = trace_->session().capture().live_roots() > 0;
    seen_ = seen_ || live;
    if (!known_ && now >= next_resolve_ns_) {
      next_resolve_ns_ = now + kResolvePeriodNs;
      if (auto resolved = try_resolve(); !resolved) return tl::unexpected(resolved.error());
    }
    if (!seen_) {
      timed_out_ = command_.wait_ns && now - started_ns_ >= *command_.wait_ns;
      return !timed_out_;
    }
    if (live) {
      gone_since_ns_ = 0;
      return true;
    }
    if (gone_since_ns_ == 0) gone_since_ns_ = now;
    return now - gone_since_ns_ < kGoneForGoodNs;
  }

  // While waiting: the names of a target are found by looking, whatever the kernel told.
  Result<void> try_resolve() {
    auto resolved = cgroup::resolve(command_.target, hierarchy_, command_.common.roots);
    if (!resolved) return {};
    auto tracked = track(*resolved);
    // It may be removed between the look and the tracking: what comes next is awaited.
    const bool removed = !tracked && tracked.error().kind == ErrorKind::not_found;
    return removed ? Result<void>{} : tracked;
  }

  const RecordCommand& command_;
  const cgroup::Hierarchy& hierarchy_;
  std::unique_ptr<Trace> trace_;
  std::uint64_t started_ns_ = 0;
  std::uint64_t next_resolve_ns_ = 0;
  std::uint64_t gone_since_ns_ = 0;
  bool known_ = false;  // resolved by name and tracked from here
  bool seen_ = false;   // something was recorded
  bool timed_out_ = false;
  bool watching_pid_ = false;
  bool failed_ = false;
};

// What is not there yet can only be a pod by its full name, or a cgroup by its path.
std::optional<cgroup::TargetSpec> what_may_come(const std::string& name) {
  cgroup::TargetSpec target;
  if (name.starts_with('/')) {
    target.cgroup_path = name;
  } else if (name.find('/') != std::string::npos) {
    target.pod = name;
  } else {
    return std::nullopt;
  }
  return cgroup::check_spec(target) ? std::optional(target) : std::nullopt;
}

// The target that a bare name stands for, with the rest of what was asked for.
Result<cgroup::TargetSpec> find_target(const RecordCommand& command, const cgroup::Hierarchy& hierarchy) {
  if (!command.named) return command.target;
  auto meant = cgroup::meaning_of(*command.named, hierarchy, command.common.roots);
  if (!meant) {
    const auto awaited = command.wait ? what_may_come(*command.named) : std::nullopt;
    if (!awaited) return meant;
    meant = *awaited;
  }
  if (!command.target.containers.empty()) meant->containers = command.target.containers;
  meant->containers_may_come = command.target.containers_may_come;
  return meant;
}

}  // namespace

int execute(const RecordCommand& given) {
  set_up_talk(given.common.quiet, given.common.verbose);
  auto hierarchy = cgroup::find_hierarchy(given.common.roots);
  if (!hierarchy) return complain(hierarchy.error());
  RecordCommand command = given;
  auto target = find_target(given, *hierarchy);
  if (!target) return complain(target.error());
  command.target = std::move(*target);
  if (auto done = Recording(command, *hierarchy).run(); !done) return complain(done.error());
  return kExitDone;
}

}  // namespace memspike::cli
