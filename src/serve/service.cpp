#include "serve/service.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "cgroup/files.h"
#include "cgroup/text.h"
#include "views/json/json.h"
#include "views/text/text.h"

namespace memspike::serve {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kSavePeriodNs = 5 * kSecondNs;
constexpr std::uint64_t kLateNs = 200'000'000;  // facts come that much after what they tell of
constexpr std::size_t kMostWaiting = 256;       // jobs of the background
constexpr int kMaxDepth = 32;
constexpr std::size_t kMostPending = 1024;

std::string no_dossier_of_unseen(const char* why) {
  return fmt::format("{}: known by the kernel's count only, without a timeline", why);
}

Result<void> write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file ? Result<void>{}
              : fail(ErrorKind::failed, fmt::format("cannot write {}", path.filename().string()));
}

}  // namespace

Service::Service(ServiceOptions options, Surroundings surroundings)
    : options_(std::move(options)),
      world_(std::move(surroundings)),
      flight_({options_.memory_bytes, options_.keep_ns + options_.after_ns + 5 * kSecondNs}),
      dossiers_(options_.data_dir / "dossiers", options_.dossiers),
      background_(kMostWaiting) {
  flight_.keep_only(
      [](const facts::MemcgFound& found) { return !is_aggregate(found.path, found.description); });
}

void Service::open(std::string boot_id) {
  catch_up_.emplace(std::move(boot_id));
  if (auto opened = dossiers_.open(); !opened) {
    note_failure(opened.error());
  } else {
    is_data_dir_usable_ = true;
    kills_.load(options_.data_dir);
    catch_up_->load(options_.data_dir, kills_);
  }
  const std::lock_guard lock(mutex_);
  written_.dossiers = dossiers_.entries().size();
  written_.dossier_bytes = dossiers_.bytes();
}

Service::Life* Service::find(facts::MemcgIndex memcg) {
  const auto known = lives_.find(memcg);
  return known == lives_.end() ? nullptr : &known->second;
}

Service::Life* Service::above(const Life& life) {
  return life.found.parent ? find(*life.found.parent) : nullptr;
}

// The nearest subject from there upwards: what happens below a container happens to it.
Service::Life* Service::subject_at(facts::MemcgIndex memcg) {
  Life* life = find(memcg);
  for (int depth = 0; life != nullptr && depth < kMaxDepth; ++depth, life = above(*life)) {
    if (life->subject || life->is_excluded) return life;
  }
  return nullptr;
}

bool Service::is_wanted(const SubjectId& subject) const {
  const auto is_of = [](const std::vector<std::string>& globs, const std::string& text) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return matches_glob(glob, text); });
  };
  if (!options_.namespaces.empty() && !is_of(options_.namespaces, subject.namespace_name)) return false;
  return !is_of(options_.excluded, label_of(subject));
}

void Service::set_filters(std::vector<std::string> namespaces, std::vector<std::string> excluded) {
  options_.namespaces = std::move(namespaces);
  options_.excluded = std::move(excluded);
  for (auto& [memcg, life] : lives_) {
    if (!life.gone_ns) name(life);
  }
}

void Service::name(Life& life) {
  auto subject = subject_of(life.found.path, life.found.description, options_.scope);
  life.is_excluded = subject && !is_wanted(*subject);
  if (life.is_excluded) {
    if (life.subject) meters_.end(life.found.memcg, world_.monotonic_ns());
    subject.reset();
  }
  life.subject = std::move(subject);
  if (life.subject) meters_.begin(life.found.memcg, *life.subject, life.found.path, life.found.time_ns);
}

void Service::apply(const facts::Fact& fact) {
  flight_.apply(fact);
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) return handle(*row);
  std::visit([this](const auto& f) { handle(f); }, fact);
}

OptionalBytes Service::limit_above(const Life& life) {
  const Life* level = above(life);
  for (int depth = 0; level != nullptr && depth < kMaxDepth; ++depth) {
    if (level->limit_bytes) return level->limit_bytes;
    level = level->found.parent ? find(*level->found.parent) : nullptr;
  }
  return {};
}

void Service::handle(const facts::MemcgRow& fact) {
  Life* life = find(fact.memcg);
  if (life == nullptr) return;
  life->limit_bytes = fact.row.limit_bytes;
  if (!life->subject) return;
  meters_.row(fact.memcg, fact.row, fact.row.limit_bytes ? fact.row.limit_bytes : limit_above(*life));
}

void Service::handle(const facts::MemcgFound& fact) {
  if (!fact.description.in_target) return;
  const auto [place, is_new] = lives_.try_emplace(fact.memcg);
  if (!is_new) return;
  ++living_;
  Life& life = place->second;
  life.found = fact;
  life.found_ns = world_.monotonic_ns();
  if (catch_up_)
    catch_up_->found(fact.memcg, fact.cgroup_id, cgroup::read_own_oom_kills(world_.memcg_dir(fact.path)),
                     life.found_ns);
  name(life);
}

void Service::handle(const facts::MemcgNamed& fact) {
  Life* life = find(fact.memcg);
  if (life == nullptr) return;
  life->found.description = fact.description;
  name(*life);
}

void Service::handle(const facts::MemcgGone& fact) {
  Life* life = find(fact.memcg);
  if (life == nullptr || life->gone_ns) return;
  --living_;
  life->gone_ns = fact.time_ns;
  if (catch_up_) {
    if (const std::uint64_t missed = life->is_caught_up ? 0 : catch_up_->take_missed(fact.memcg); missed > 0)
      tell_unseen(*life, missed, "it happened while the service was not running");
    if (const std::uint64_t unseen = catch_up_->take_unseen(fact.memcg, fact.oom_kills); unseen > 0)
      tell_unseen(*life, unseen, "its record was lost");
  }
  meters_.end(fact.memcg, fact.time_ns);
}

KilledBy Service::killed_by(const facts::Kill& kill, const Life& life) {
  if (!kill.limit_path) return KilledBy::node;
  if (cgroup::is_below(*kill.limit_path, life.found.path)) return KilledBy::own;
  const Life* level = above(life);
  for (int depth = 0; level != nullptr && depth < kMaxDepth; ++depth) {
    if (level->found.path == *kill.limit_path)
      return level->found.description.role == facts::Role::pod ? KilledBy::pod : KilledBy::ancestor;
    level = level->found.parent ? find(*level->found.parent) : nullptr;
  }
  return KilledBy::ancestor;
}

KillRecord Service::record_of(const Life& life) const {
  KillRecord kill;
  const facts::Description& description = life.found.description;
  kill.subject = life.subject.value_or(SubjectId{{}, {}, life.found.path});
  if (description.pod) kill.pod_uid = description.pod->uid;
  if (description.container) kill.container_id = description.container->id;
  kill.path = life.found.path;
  kill.cgroup_id = life.found.cgroup_id;
  kill.limit_bytes = life.limit_bytes;
  return kill;
}

void Service::handle(const facts::ProcessKilled& fact) {
  if (fact.memcgs.empty()) return;
  if (catch_up_) catch_up_->killed(fact.memcgs.front(), fact.kill.time_ns);
  const Life* victim = find(fact.memcgs.front());
  const Life* subject = subject_at(fact.memcgs.front());
  if (victim == nullptr || (subject != nullptr && subject->is_excluded)) return;
  const Life& life = subject != nullptr ? *subject : *victim;
  KillRecord kill = record_of(life);
  kill.path = victim->found.path;
  kill.cgroup_id = victim->found.cgroup_id;
  kill.realtime_ns = session_.session.to_realtime_ns(fact.kill.time_ns);
  kill.pid = fact.kill.pid;
  kill.comm = fact.kill.comm;
  kill.by = killed_by(fact.kill, life);
  kill.limit_path = fact.kill.limit_path.value_or("");
  kill.usage_bytes = fact.kill.usage_bytes;
  kill.limit_bytes = fact.kill.limit_bytes;
  meters_.kill(life.found.memcg, fact.kill.time_ns, kill.by);
  await_dossier(life, kill, fact.kill.time_ns);
}

// Tasks that sleep at a limit are as good as dead; nobody will say so later.
void Service::handle(const facts::TasksHung& fact) {
  const Life* life = subject_at(fact.memcg);
  if (life == nullptr || life->is_excluded || fact.over) return;
  KillRecord hang = record_of(*life);
  hang.is_hang = true;
  hang.realtime_ns = session_.session.to_realtime_ns(fact.time_ns);
  hang.limit_path = fact.limit_path.value_or(life->found.path);
  if (!fact.tasks.empty()) hang.pid = fact.tasks.front().pid;
  await_dossier(*life, hang, fact.time_ns);
}

// Kills in a row have one dossier: it begins with the first, and shows all.
void Service::await_dossier(const Life& life, const KillRecord& kill, std::uint64_t time_ns) {
  KillRecord& added = kills_.add(kill);
  const auto same = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& pending) {
    return pending.subject == added.subject && time_ns <= pending.time_ns + options_.after_ns;
  });
  if (same != pending_.end()) {
    same->numbers.push_back(added.number);
  } else if (pending_.size() < kMostPending) {
    pending_.push_back({life.found.memcg, added.subject, time_ns, added.realtime_ns, {added.number}});
  } else {
    added.no_dossier = "too many kills at once";
  }
  log(added);
}

void Service::handle(const facts::LimitHit& fact) {
  if (const Life* life = subject_at(fact.memcg); life != nullptr && life->subject)
    meters_.limit_hit(life->found.memcg, fact.hits);
}

void Service::handle(const facts::TaskStalled& fact) {
  if (const Life* life = subject_at(fact.memcg); life != nullptr && life->subject)
    meters_.stall(life->found.memcg, fact.duration_ns);
}

void Service::tell_unseen(const Life& life, std::uint64_t count, const char* why) {
  const Life* subject = subject_at(life.found.memcg);
  if (subject == nullptr) subject = &life;
  if (subject->is_excluded) return;
  KillRecord kill = record_of(*subject);
  kill.path = life.found.path;
  kill.cgroup_id = life.found.cgroup_id;
  kill.realtime_ns = session_.session.to_realtime_ns(world_.monotonic_ns());
  kill.count = count;
  kill.no_dossier = no_dossier_of_unseen(why);
  log(kills_.add(kill));
  if (subject->subject) meters_.add_unseen_kills(*subject->subject, count, world_.monotonic_ns());
}

void Service::catch_up(std::uint64_t now_ns) {
  for (auto& [memcg, life] : lives_) {
    if (life.is_caught_up || life.gone_ns || life.found_ns + kSecondNs > now_ns) continue;
    life.is_caught_up = true;
    if (const std::uint64_t missed = catch_up_->take_missed(memcg); missed > 0)
      tell_unseen(life, missed, "it happened while the service was not running");
  }
}

// All of its pod, for it may be the pod's limit that is hit; else all that is at and below it.
Excerpt Service::excerpt_of(facts::MemcgIndex memcg, std::uint64_t from_ns, std::uint64_t to_ns) {
  Excerpt excerpt;
  excerpt.clocks = world_.clocks();
  excerpt.from_ns = from_ns;
  excerpt.to_ns = to_ns;
  const Life* own = find(memcg);
  if (own == nullptr) return excerpt;
  const Life* top = own;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const Life* next = above(*top);
    if (next == nullptr || is_aggregate(next->found.path, next->found.description)) break;
    top = next;
  }
  std::vector<facts::MemcgIndex> members;
  for (const auto& [index, life] : lives_) {
    if (life.gone_ns && *life.gone_ns < from_ns) continue;
    if (cgroup::is_below(life.found.path, top->found.path)) members.push_back(index);
  }
  std::sort(members.begin(), members.end());  // by birth: parents before children
  excerpt.flight = flight_.excerpt(members, from_ns);
  facts::Target& target = excerpt.flight.session.target;
  target = {};
  target.cgroup = top->found.path;
  target.description = fmt::format("cgroup {}", top->found.path);
  if (const auto& pod = own->found.description.pod) {
    target.pod_uid = pod->uid;
    target.namespace_name = pod->namespace_name;
    target.pod = pod->name;
    target.qos = pod->qos;
    target.description = fmt::format("pod {}", pod->uid);
  }
  return excerpt;
}

std::optional<Excerpt> Service::last(std::string_view target, std::uint64_t for_ns) {
  const Life* latest = nullptr;
  for (const auto& [memcg, life] : lives_) {
    if (!life.subject || !is_meant(target, record_of(life))) continue;
    const bool is_later =
        latest == nullptr || (latest->gone_ns && !life.gone_ns) ||
        (latest->gone_ns.has_value() == life.gone_ns.has_value() && life.found.memcg > latest->found.memcg);
    if (is_later) latest = &life;
  }
  if (latest == nullptr) return std::nullopt;
  const std::uint64_t now_ns = world_.monotonic_ns();
  return excerpt_of(latest->found.memcg, now_ns - std::min(now_ns, for_ns), now_ns);
}

const KillRecord* Service::last_kill(std::string_view target) const {
  const auto& all = kills_.all();
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [&](const KillRecord& kill) { return is_meant(target, kill); });
  return found == all.rend() ? nullptr : &*found;
}

std::optional<Excerpt> Service::unfinished(std::uint64_t number) {
  for (const Pending& pending : pending_) {
    if (std::find(pending.numbers.begin(), pending.numbers.end(), number) == pending.numbers.end()) continue;
    return excerpt_of(pending.memcg, pending.time_ns - std::min(pending.time_ns, options_.keep_ns),
                      world_.monotonic_ns());
  }
  return std::nullopt;
}

Service::Written Service::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

void Service::note_failure(const Error& error) {
  bool is_new = false;
  {
    const std::lock_guard lock(mutex_);
    ++written_.failed;
    is_new = written_.last_failure != error.message;
    written_.last_failure = error.message;
  }
  if (is_new) world_.warn(error.message);
}

void Service::settle(Done done) {
  const std::lock_guard lock(mutex_);
  done_.push_back(std::move(done));
}

void Service::write_dossier(const Excerpt& excerpt, const Pending& pending) {
  const auto fill = [&](const std::filesystem::path& directory) -> Result<void> {
    std::string recording;
    const auto append = [&recording](std::string_view bytes) -> Result<void> {
      recording += bytes;
      return {};
    };
    auto report = write_recording(excerpt, append);
    if (!report) return tl::unexpected(report.error());
    if (auto written = write_file(directory / kRecordingFile, recording); !written) return written;
    views::TextStyle style;
    style.columns = 100;
    if (auto written = write_file(directory / kTextFile, views::render_short(*report, style)); !written)
      return written;
    return write_file(directory / kJsonFile, views::render_json(*report));
  };
  auto name = dossiers_.add(dossier_name(pending.realtime_ns, pending.subject), fill);
  if (!name) note_failure(name.error());
  {
    const std::lock_guard lock(mutex_);
    written_.dossiers = dossiers_.entries().size();
    written_.dossier_bytes = dossiers_.bytes();
    written_.forgotten = dossiers_.forgotten();
    written_.made += name ? 1 : 0;
  }
  settle({pending.numbers, name ? *name : "", name ? "" : name.error().message});
}

void Service::post(Background::Job job) {
  if (!background_.post(std::move(job)))
    note_failure({ErrorKind::failed, "the disk is too slow: too much waits to be written", {}});
}

void Service::make_dossier(Pending pending) {
  if (!is_data_dir_usable_) return settle({pending.numbers, "", "the data directory cannot be used"});
  auto excerpt = std::make_shared<const Excerpt>(
      excerpt_of(pending.memcg, pending.time_ns - std::min(pending.time_ns, options_.keep_ns),
                 std::min(pending.time_ns + options_.after_ns, world_.monotonic_ns())));
  std::vector<std::uint64_t> numbers = pending.numbers;
  const bool is_posted =
      background_.post([this, excerpt, pending = std::move(pending)] { write_dossier(*excerpt, pending); });
  if (!is_posted) settle({std::move(numbers), "", "the disk was too slow"});
}

void Service::make_due(std::uint64_t now_ns, bool all) {
  while (!pending_.empty() && (all || pending_.front().time_ns + options_.after_ns + kLateNs <= now_ns)) {
    Pending due = std::move(pending_.front());
    pending_.pop_front();
    make_dossier(std::move(due));
  }
}

void Service::take_done() {
  std::vector<Done> done;
  {
    const std::lock_guard lock(mutex_);
    done.swap(done_);
  }
  for (const Done& each : done) {
    for (const std::uint64_t number : each.numbers) {
      kills_.set_dossier(number, each.name, each.why_not);
      if (const KillRecord* kill = kills_.find(number)) log(*kill);
    }
  }
}

void Service::write_lines() {
  if (lines_.empty()) return;
  std::string lines = std::exchange(lines_, {});
  if (!is_data_dir_usable_) return;
  post([this, lines = std::move(lines)] {
    if (auto written = append_to_log(options_.data_dir, lines); !written) note_failure(written.error());
  });
}

void Service::save_counts() {
  if (!is_data_dir_usable_ || !catch_up_) return;
  post([this, text = catch_up_->text(kills_.next_number())] {
    if (auto written = write_catch_up(options_.data_dir, text); !written) note_failure(written.error());
  });
}

void Service::forget_old(std::uint64_t now_ns) {
  const std::uint64_t keep_ns = options_.keep_ns + options_.after_ns + 5 * kSecondNs;
  std::erase_if(lives_, [&](const auto& entry) {
    return entry.second.gone_ns && *entry.second.gone_ns + keep_ns < now_ns;
  });
}

void Service::tick(std::uint64_t now_ns) {
  take_done();
  make_due(now_ns, false);
  if (now_ns >= next_second_ns_) {
    next_second_ns_ = now_ns + kSecondNs;
    flight_.tick(now_ns);
    meters_.tick(now_ns);
    if (catch_up_) catch_up(now_ns);
    forget_old(now_ns);
  }
  write_lines();
  if (now_ns >= next_save_ns_ && catch_up_ && catch_up_->has_changed()) {
    next_save_ns_ = now_ns + kSavePeriodNs;
    save_counts();
  }
}

void Service::finish() {
  make_due(0, true);
  write_lines();
  save_counts();
  background_.finish();
  take_done();
  if (lines_.empty() || !is_data_dir_usable_) return;
  if (auto written = append_to_log(options_.data_dir, lines_); !written) note_failure(written.error());
}

}  // namespace memspike::serve
