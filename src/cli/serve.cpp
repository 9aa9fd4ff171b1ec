// memspike serve: the evidence exists before anybody asks.
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/capability.h>
#include <malloc.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/unique_fd.h"
#include "base/units.h"
#include "capture/live/capture.h"
#include "cgroup/hierarchy.h"
#include "cgroup/node_scope.h"
#include "cgroup/text.h"
#include "cli/commands.h"
#include "cli/event_loop.h"
#include "cli/exit_code.h"
#include "cli/notify.h"
#include "cli/oom_score.h"
#include "cli/rights.h"
#include "cli/serve_options.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "process/clock.h"
#include "rights/capabilities.h"
#include "serve/endpoints.h"
#include "serve/http_server.h"
#include "serve/mailbox.h"
#include "serve/service.h"

namespace memspike::cli {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
// What must be seen at once wakes the loop, and what lasts for 67 ms is found by it (bpf/wake.bpf.h).
constexpr std::uint64_t kTickNs = 40'000'000;
// What comes is told by the kernel: only what it could not tell is missing. 30 ms for 1,000 cgroups.
constexpr std::uint64_t kLookForRootsNs = 300 * kSecondNs;
constexpr std::uint64_t kLookAfterLossNs = 10 * kSecondNs;
constexpr std::uint64_t kTrimNs = 60 * kSecondNs;  // some ms for 50 MiB
constexpr int kSocketThreads = 2;                  // a long answer on one of them holds up no short one
constexpr int kLargeBytes = 1 << 20;
// While it looks closer, for minutes, with many CPUs: a tenth of what `record` takes.
constexpr std::uint64_t kStackPeriodNs = 10'000'000;
constexpr std::uint32_t kStackRingBytes = 512U << 10;
// Told apart by what they allocate page by page, which is seen while it looks closer.
constexpr std::uint32_t kMaxProcesses = 2048;

// For tests: minutes of looking closer become seconds.
std::uint64_t zoom_haste() {
  const char* haste = std::getenv("MEMSPIKE_ZOOM_HASTE");
  return std::max<std::uint64_t>(haste != nullptr ? std::strtoull(haste, nullptr, 10) : 1, 1);
}

// Lines of several threads, in one piece each.
class LogSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogSink(bool is_json) : is_json_(is_json) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::string text(message.payload.data(), message.payload.size());
    const auto level = spdlog::level::to_string_view(message.level);
    std::string line = fmt::format("memspike: {}\n", text);
    if (is_json_) {
      const nlohmann::json json = {{"time", format_utc(realtime_ns())},
                                   {"level", std::string(level.data(), level.size())},
                                   {"message", text}};
      line = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    }
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
  void flush_() override { std::fflush(stderr); }

  bool is_json_;
};

void set_up_log(const ServeCommand& command) {
  auto logger = std::make_shared<spdlog::logger>("memspike", std::make_shared<LogSink>(command.log_json));
  const bool is_verbose = command.common.verbose;
  logger->set_level(command.common.quiet ? spdlog::level::err
                    : is_verbose         ? spdlog::level::debug
                                         : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

cgroup::NodeScope scope_of(const std::string& name) {
  if (name == "containers") return cgroup::NodeScope::containers;
  if (name == "services") return cgroup::NodeScope::services;
  if (name == "all") return cgroup::NodeScope::all;
  return cgroup::NodeScope::pods;
}

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// Without it the code of containers has no names, and user stacks cannot be unwound.
bool may_read_mappings() { return rights::has_capability(rights::effective_capabilities(), CAP_SYS_PTRACE); }

// One service for a data directory: held as long as it runs.
struct DataDirLock {
  UniqueFd fd;
  std::optional<Error> problem;  // the directory cannot be used: that costs the dossiers, and nothing else
};

Result<DataDirLock> lock_data_dir(const std::string& directory) {
  std::error_code ignored;
  std::filesystem::create_directories(directory, ignored);
  DataDirLock lock;
  lock.fd = UniqueFd(open((directory + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.fd) {
    const char* why = std::strerror(errno);
    lock.problem = Error{ErrorKind::failed, fmt::format("cannot write to {}: {}", directory, why), {}};
    return lock;
  }
  if (flock(lock.fd.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  return fail(ErrorKind::failed, fmt::format("another service keeps its dossiers in {}", directory),
              "one is enough for a node; else name another --data-dir and another --socket");
}

class Server {
 public:
  Server(const ServeCommand& command, const cgroup::Hierarchy& hierarchy)
      : command_(command), hierarchy_(hierarchy), scope_(scope_of(command.scope)) {}

  Result<void> run() {
    if (auto prepared = prepare(); !prepared) return prepared;
    if (auto started = start_capture(); !started) return started;
    if (auto ready = make_ready(); !ready) return ready;
    notify_manager("READY=1");
    spdlog::info("watching {}; asked on {}{}", command_.scope, command_.socket,
                 metrics_server_ ? " and " + *command_.metrics : "");
    auto reason = loop_->run(handlers(), {});
    notify_manager("STOPPING=1");
    finish();
    if (!reason) return tl::unexpected(reason.error());
    return {};
  }

 private:
  // All that can go wrong before anything is watched.
  Result<void> prepare() {
    auto lock = lock_data_dir(command_.data_dir);
    if (!lock) return tl::unexpected(lock.error());
    lock_ = std::move(*lock);
    auto server = serve::HttpServer::on_socket(command_.socket);
    if (!server) return tl::unexpected(server.error());
    server_ = std::move(*server);
    if (command_.metrics) {
      auto metrics = serve::HttpServer::on_address(*command_.metrics);
      // What cannot be scraped there still can on the socket, and kills are still kept.
      if (metrics) metrics_server_ = std::move(*metrics);
      if (!metrics) spdlog::error("{}; metrics are on the socket only", metrics.error().message);
    }
    serve::ServiceOptions options;
    options.scope = scope_;
    options.namespaces = command_.namespaces;
    options.excluded = command_.excluded;
    options.keep_ns = command_.keep_ns;
    options.after_ns = command_.after_ns;
    options.memory_bytes = command_.memory_bytes;
    options.data_dir = command_.data_dir;
    options.zooms = command_.trace.detail == "auto";
    options.zoom_haste = zoom_haste();
    options.redacts = command_.redact;
    options.dossiers = {command_.dossiers, command_.dossier_bytes};
    serve::Surroundings world;
    world.monotonic_ns = monotonic_ns;
    world.clocks = [] { return recording::Clocks{monotonic_ns(), realtime_ns(), boottime_ns()}; };
    world.memcg_dir = [this](const std::string& path) { return cgroup::memcg_dir(hierarchy_, path); };
    world.version = hierarchy_.version();
    world.warn = [](const std::string& text) { spdlog::warn("{}", text); };
    service_ = std::make_unique<serve::Service>(std::move(options), std::move(world));
    service_->open(read_boot_id(), lock_.problem);
    return {};
  }

  Result<void> start_capture() {
    capture::Scope scope;
    scope.hierarchy = hierarchy_;
    scope.roots = command_.common.roots;
    scope.follow = cgroup::await_scope(scope_);
    scope.target.description = fmt::format("all {} of this node", command_.scope);
    capture::Looks looks = looks_of(command_.trace);
    looks.is_sparing = true;
    looks.probe.moves_per_second = command_.moves_per_second;
    if (command_.trace.stacks == "auto" && !may_read_mappings()) {
      spdlog::info("no stacks while it looks closer: that takes CAP_SYS_PTRACE");
      looks.probe.stacks = probe::Stacks::off;
    }
    looks.probe.stack_period_ns = kStackPeriodNs;
    looks.probe.stack_ring_bytes = kStackRingBytes;
    looks.probe.max_processes = kMaxProcesses;
    auto capture = capture::Capture::start(std::move(scope), std::move(looks));
    if (!capture) return tl::unexpected(capture.error());
    capture_ = std::move(*capture);
    auto loop = EventLoop::create({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}, kTickNs);
    if (!loop) return tl::unexpected(loop.error());
    loop_ = std::make_unique<EventLoop>(std::move(*loop));
    if (auto watched = loop_->watch_ring(capture_->ring_fd()); !watched) return watched;
    if (capture_->needs_sweeps()) {
      if (auto timer = loop_->sweep_every(command_.trace.sweep_period_ns); !timer) return timer;
    }
    capture_->add_sink(*service_);
    look_for_roots();
    return {};
  }

  Result<void> make_ready() {
    protect_from_oom_killer();
    StillWritten written;
    written.serves = true;
    written.directories = {command_.data_dir, std::filesystem::path(command_.socket).parent_path().string()};
    written.files = {command_.data_dir + "/lock"};
    give_up_rights(written);
    malloc_trim(0);  // what loading took
    // Answers of some MB go back to the kernel at once: by itself glibc would learn to keep so much.
    mallopt(M_ARENA_MAX, 1);  // who asks is answered in other threads, some at a time
    mallopt(M_MMAP_THRESHOLD, kLargeBytes);
    mallopt(M_TRIM_THRESHOLD, kLargeBytes);
    service_->start_writing();
    mailbox_.set_bell([this] { loop_->ring(); });
    endpoints_ = std::make_unique<serve::Endpoints>(*service_, mailbox_, [this] { return health(); });
    server_->start([this](const serve::Request& request) { return endpoints_->answer(request); },
                   kSocketThreads);
    if (command_.page) endpoints_->show_page_outside();
    if (metrics_server_) {
      metrics_server_->start(
          [this](const serve::Request& request) { return endpoints_->answer_outside(request); }, 1);
    }
    return {};
  }

  // What was there before it was awaited, and what the kernel did not tell of.
  void look_for_roots() {
    for (const std::string& root : cgroup::find_scope_roots(scope_, hierarchy_)) {
      if (std::find(roots_.begin(), roots_.end(), root) != roots_.end()) continue;
      if (auto tracked = capture_->track(root); !tracked) {
        if (tracked.error().kind != ErrorKind::not_found) spdlog::warn("{}", tracked.error().message);
        continue;
      }
      spdlog::debug("watching {}", cgroup::printable(root));
      roots_.push_back(root);
    }
    std::erase_if(roots_, [&](const std::string& root) {
      return !cgroup::cgroup_inode(cgroup::memcg_dir(hierarchy_, root));
    });
  }

  // A birth may be among it.
  void look_sooner_after_loss(std::uint64_t now_ns) {
    const std::vector<facts::Counter>& causes = service_->session().lost;
    const std::uint64_t lost =
        std::accumulate(causes.begin(), causes.end(), std::uint64_t{0},
                        [](std::uint64_t sum, const facts::Counter& cause) { return sum + cause.second; });
    if (lost != std::exchange(lost_, lost))
      next_roots_ns_ = std::min(next_roots_ns_, now_ns + kLookAfterLossNs);
  }

  // What is watched may change while it runs; a wrong file changes nothing.
  void read_options_again() {
    const auto read = parse_serve(command_.arguments);
    if (!read) return spdlog::error("the options stay as they are: {}", read.error().message);
    service_->set_filters(read->namespaces, read->excluded);
    spdlog::info(
        "read the options again: which namespaces and containers are watched; others need a restart");
  }

  EventLoop::Handlers handlers() {
    EventLoop::Handlers handlers;
    handlers.pump = [this] { return capture_->pump(); };
    handlers.sweep = [this] { capture_->sweep(); };
    handlers.bell = [this] { answer_at_once(); };
    handlers.signal = [this](const Signal& signal) {
      if (signal.number == SIGUSR1 || signal.number == SIGUSR2) {
        service_->stop_zooming();
        capture_->zoom(signal.number == SIGUSR1 ? 1 : -1);
        return EventLoop::Answer::go_on;
      }
      if (signal.number != SIGHUP) return EventLoop::Answer::end;
      read_options_again();
      return EventLoop::Answer::go_on;
    };
    handlers.tick = [this]() -> Result<bool> {
      if (auto pumped = capture_->pump(); !pumped) return tl::unexpected(pumped.error());
      const std::uint64_t now_ns = monotonic_ns();
      if (now_ns >= next_second_ns_) {
        next_second_ns_ = now_ns + kSecondNs;
        notify_manager("WATCHDOG=1");
        look_sooner_after_loss(now_ns);
      }
      if (now_ns >= next_trim_ns_) {
        next_trim_ns_ = now_ns + kTrimNs;
        malloc_trim(0);  // what lies free between what is kept
      }
      if (now_ns >= next_roots_ns_) {
        next_roots_ns_ = now_ns + kLookForRootsNs;
        look_for_roots();
      }
      if (auto closer = service_->take_zoom()) capture_->look_closer_at(std::move(*closer));
      mailbox_.answer();
      rest_where_quiet(now_ns);
      return true;
    };
    return handlers;
  }

  // Who asks wants to know how it is now.
  void answer_at_once() {
    if (auto pumped = capture_->pump(); !pumped) spdlog::warn("{}", pumped.error().message);
    mailbox_.answer();
  }

  // A turn costs some 30 us, and what rises by as much as counts wakes the loop anyway: where nothing moves
  // it looks less often.
  void rest_where_quiet(std::uint64_t now_ns) {
    constexpr std::uint64_t kQuietNs = 200'000'000;
    if (capture_->records_taken() != records_taken_) {
      records_taken_ = capture_->records_taken();
      moved_ns_ = now_ns;
    }
    loop_->rest(now_ns - moved_ns_ > kQuietNs);
  }

  serve::Health health() const {
    serve::Health health;
    const facts::SessionKnown& known = service_->session();
    health.version = MEMSPIKE_VERSION;
    health.looked_at = service_->closer().now();
    health.detail = std::string(probe::to_string(capture_->detail()));
    health.tier = std::string(capture_->tier_name());
    health.kernel_release = known.session.kernel_release;
    health.started_realtime_ns = known.session.start_realtime_ns;
    if (known.session.self) health.cpu_ns = known.session.self->cpu_ns;
    health.resident_bytes = resident_bytes();
    health.map_bytes = capture_->map_bytes();
    health.flight_bytes = service_->flight().bytes();
    health.flight_dropped_blocks = service_->flight().dropped_blocks();
    health.living_cgroups = service_->living();
    health.dropped_subjects = service_->meters().dropped();
    health.kills = service_->kills().all().size();
    health.lost = known.lost;
    for (const auto& [name, count] : known.events) {
      if (name == "thinned") health.thinned_moves = count;
    }
    health.zoomed.assign(service_->closer().latest().begin(), service_->closer().latest().end());
    health.written = service_->written();
    return health;
  }

  void finish() {
    mailbox_.close();
    if (metrics_server_) metrics_server_->stop();
    server_->stop();
    if (auto looked = capture_->checkpoint(); !looked) spdlog::warn("{}", looked.error().message);
    service_->finish();
    spdlog::info("stopped");
  }

  const ServeCommand& command_;
  const cgroup::Hierarchy& hierarchy_;
  cgroup::NodeScope scope_;
  DataDirLock lock_;
  std::unique_ptr<serve::Service> service_;
  std::unique_ptr<capture::Capture> capture_;  // tells the service: goes before it
  std::unique_ptr<EventLoop> loop_;
  serve::Mailbox mailbox_;
  std::unique_ptr<serve::Endpoints> endpoints_;
  std::unique_ptr<serve::HttpServer> server_;  // they ask: they go first
  std::unique_ptr<serve::HttpServer> metrics_server_;
  std::vector<std::string> roots_;
  std::uint64_t records_taken_ = 0;
  std::uint64_t moved_ns_ = 0;  // when records came last
  std::uint64_t next_second_ns_ = 0;
  std::uint64_t next_roots_ns_ = 0;
  std::uint64_t next_trim_ns_ = 0;
  std::uint64_t lost_ = 0;  // of any cause, when it was looked at last
};

}  // namespace

int execute(const ServeCommand& command) {
  set_up_log(command);
  umask(077);  // command lines may hold secrets
  const auto hierarchy = cgroup::find_hierarchy(command.common.roots);
  if (!hierarchy) return complain(hierarchy.error());
  if (auto done = Server(command, *hierarchy).run(); !done) return complain(done.error());
  return kExitDone;
}

}  // namespace memspike::cli
