#include "serve/service.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/units.h"
#include "cgroup/files.h"
#include "cgroup/text.h"
#include "serve/redact.h"

namespace memspike::serve {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kSavePeriodNs = 5 * kSecondNs;
constexpr std::uint64_t kLateNs = 200'000'000;  // facts come that much after what they tell of
constexpr std::size_t kMostPending = 1024;

std::string no_dossier_of_unseen(const char* why) {
  return fmt::format("{}: known by the kernel's count only, without a timeline", why);
}

}  // namespace

Service::Service(ServiceOptions options, Surroundings surroundings)
    : options_(std::move(options)),
      world_(std::move(surroundings)),
      flight_({options_.memory_bytes, options_.keep_ns + options_.after_ns + 5 * kSecondNs}),
      closer_(options_.zoom_haste),
      store_(options_.data_dir, options_.dossiers, world_.warn) {
  flight_.keep_only(
      [](const facts::MemcgFound& found) { return !is_aggregate(found.path, found.description); });
}

void Service::open(std::string boot_id, const std::optional<Error>& problem) {
  catch_up_.emplace(std::move(boot_id));
  store_.open(problem);
  kills_.load(options_.data_dir);
  catch_up_->load(options_.data_dir, kills_);
  for (const KilledSubject& each : catch_up_->subjects())
    meters_.restore(each.subject, each.kills, world_.monotonic_ns());
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
  for (auto& [memcg, life] : watched_.all()) {
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
  const bool is_row = std::holds_alternative<facts::MemcgRow>(fact);
  if (options_.redacts && !is_row) {
    if (const auto other = redacted(fact)) return take(*other);
  }
  take(fact);
}

void Service::take(const facts::Fact& fact) {
  flight_.apply(fact);
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) return handle(*row);
  std::visit([this](const auto& f) { handle(f); }, fact);
}

void Service::handle(const facts::MemcgRow& fact) {
  Life* life = watched_.find(fact.memcg);
  if (life == nullptr) return;
  life->limit_bytes = fact.row.limit_bytes;
  life->headroom_bytes = fact.row.headroom_bytes;
  if (!life->subject) return;
  meters_.row(fact.memcg, fact.row,
              fact.row.limit_bytes ? fact.row.limit_bytes : watched_.limit_above(*life));
}

void Service::handle(const facts::MemcgFound& fact) {
  if (!fact.description.in_target) return;
  Life* life = watched_.add(fact, world_.monotonic_ns());
  if (life == nullptr) return;
  if (catch_up_) {
    found_.push_back(fact.memcg);
    catch_up_->found(fact.memcg, fact.cgroup_id,
                     cgroup::read_own_oom_kills(world_.memcg_dir(fact.path), world_.version), life->found_ns);
  }
  name(*life);
}

void Service::handle(const facts::MemcgNamed& fact) {
  Life* life = watched_.find(fact.memcg);
  if (life == nullptr) return;
  life->found.description = fact.description;
  if (!life->gone_ns) return name(*life);
  const auto subject = subject_of(life->found.path, life->found.description, options_.scope);
  if (!subject || !life->subject || *subject == *life->subject) return;
  meters_.rename(*life->subject, *subject, world_.monotonic_ns());
  life->subject = subject;
}

void Service::handle(const facts::MemcgGone& fact) {
  Life* life = watched_.find(fact.memcg);
  if (life == nullptr || life->gone_ns) return;
  watched_.end(*life, fact.time_ns);
  if (catch_up_) {
    if (const std::uint64_t missed = life->is_caught_up ? 0 : catch_up_->take_missed(fact.memcg); missed > 0)
      tell_unseen(*life, missed, "it happened while the service was not running");
    if (const std::uint64_t unseen = catch_up_->take_unseen(fact.memcg, fact.oom_kills); unseen > 0)
      tell_unseen(*life, unseen, "its record was lost");
  }
  meters_.end(fact.memcg, fact.time_ns);
  closer_.end(fact.memcg);
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
  const Life* victim = watched_.find(fact.memcgs.front());
  const Life* subject = watched_.subject_at(fact.memcgs.front());
  if (victim == nullptr || (subject != nullptr && subject->is_excluded)) return;
  const Life& life = subject != nullptr ? *subject : *victim;
  KillRecord kill = record_of(life);
  kill.path = victim->found.path;
  kill.cgroup_id = victim->found.cgroup_id;
  kill.realtime_ns = session_.session.to_realtime_ns(fact.kill.time_ns);
  kill.pid = fact.kill.pid;
  kill.comm = fact.kill.comm;
  kill.by = watched_.killed_by(fact.kill, life);
  kill.limit_path = fact.kill.limit_path.value_or("");
  kill.usage_bytes = fact.kill.usage_bytes;
  kill.limit_bytes = fact.kill.limit_bytes;
  meters_.kill(life.found.memcg, fact.kill.time_ns, kill.by);
  closer_.note(life, Trouble::killed, fact.kill.time_ns, watched_);
  await_dossier(life, kill, fact.kill.time_ns);
}

// Tasks that sleep at a limit are as good as dead; nobody will say so later.
void Service::handle(const facts::TasksHung& fact) {
  const Life* life = watched_.subject_at(fact.memcg);
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
  const Life* life = watched_.subject_at(fact.memcg);
  if (life == nullptr || !life->subject) return;
  meters_.limit_hit(life->found.memcg, fact.hits);
  if (fact.hits.refused_charges > 0) closer_.note(*life, Trouble::refused, fact.time_ns, watched_);
}

void Service::handle(const facts::TaskStalled& fact) {
  if (const Life* life = watched_.subject_at(fact.memcg); life != nullptr && life->subject)
    meters_.stall(life->found.memcg, fact.duration_ns);
}

void Service::handle(const facts::MovesThinned& fact) {
  if (const Life* life = watched_.subject_at(fact.memcg); life != nullptr && life->subject)
    meters_.thin(life->found.memcg, fact.moves);
}

// What is of no container is of the service: that the clock was set, as an example.
void Service::handle(const facts::Noted& fact) {
  constexpr std::size_t kMostBytes = 512;
  if (!fact.memcg) world_.warn(cgroup::printable(fact.text, kMostBytes));
}

void Service::tell_unseen(const Life& life, std::uint64_t count, const char* why) {
  const Life* subject = watched_.subject_at(life.found.memcg);
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
  for (; !found_.empty(); found_.pop_front()) {
    Life* life = watched_.find(found_.front());
    if (life == nullptr || life->gone_ns) continue;
    if (life->found_ns + kSecondNs > now_ns) return;
    life->is_caught_up = true;
    if (const std::uint64_t missed = catch_up_->take_missed(found_.front()); missed > 0)
      tell_unseen(*life, missed, "it happened while the service was not running");
  }
}

Excerpt Service::excerpt_of(facts::MemcgIndex memcg, std::uint64_t from_ns, std::uint64_t to_ns) {
  Excerpt excerpt;
  excerpt.clocks = world_.clocks();
  excerpt.from_ns = from_ns;
  excerpt.to_ns = to_ns;
  const Life* own = watched_.find(memcg);
  if (own == nullptr) return excerpt;
  const auto [top, members] = watched_.family_of(*own, from_ns);
  excerpt.flight = flight_.excerpt(members, from_ns);
  facts::Session& session = excerpt.flight.session.session;
  session.details = closer_.details_of(*own, watched_, session_.session, from_ns);
  if (!session.details.empty()) session.detail = session.details.back().detail;
  if (session.saw_pages()) session.not_seen.clear();
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
  for (const auto& [memcg, life] : watched_.all()) {
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

const Service::Pending* Service::find_unwritten(std::uint64_t number) const {
  for (const auto* waiting : {&pending_, &writing_}) {
    for (const Pending& each : *waiting) {
      if (std::find(each.numbers.begin(), each.numbers.end(), number) != each.numbers.end()) return &each;
    }
  }
  return nullptr;
}

std::optional<Service::Unfinished> Service::unfinished(std::uint64_t number) {
  const Pending* pending = find_unwritten(number);
  if (pending == nullptr) return std::nullopt;
  const std::uint64_t complete_ns = pending->time_ns + options_.after_ns;
  return Unfinished{
      excerpt_of(pending->memcg, pending->time_ns - std::min(pending->time_ns, options_.keep_ns),
                 std::min(complete_ns, world_.monotonic_ns())),
      complete_ns};
}

// Until it is on the disk, who asks gets what the flight recorder has.
void Service::make_dossier(Pending pending) {
  auto excerpt = std::make_shared<const Excerpt>(
      excerpt_of(pending.memcg, pending.time_ns - std::min(pending.time_ns, options_.keep_ns),
                 std::min(pending.time_ns + options_.after_ns, world_.monotonic_ns())));
  writing_.push_back(pending);
  store_.keep(std::move(excerpt),
              {std::move(pending.subject), pending.realtime_ns, std::move(pending.numbers)});
}

void Service::make_due(std::uint64_t now_ns, bool all) {
  while (!pending_.empty() && (all || pending_.front().time_ns + options_.after_ns + kLateNs <= now_ns)) {
    Pending due = std::move(pending_.front());
    pending_.pop_front();
    make_dossier(std::move(due));
  }
}

void Service::take_done() {
  for (const Store::Done& each : store_.take_done()) {
    std::erase_if(writing_, [&](const Pending& pending) { return pending.numbers == each.numbers; });
    for (const std::uint64_t number : each.numbers) {
      kills_.set_dossier(number, each.name, each.why_not);
      if (const KillRecord* kill = kills_.find(number)) log(*kill);
    }
  }
}

void Service::log(const KillRecord& kill) {
  lines_ += to_line(kill) + "\n";
  ++line_count_;
}

void Service::write_lines() {
  if (lines_.empty()) return;
  store_.append(std::exchange(lines_, {}), std::exchange(line_count_, 0));
}

void Service::save_counts() {
  if (!catch_up_) return;
  std::vector<KilledSubject> killed;
  for (const auto& [subject, series] : meters_.all()) {
    if (series->all_kills() > 0) killed.push_back({subject, series->kills});
  }
  store_.save_counts(catch_up_->text(kills_.next_number(), killed));
}

void Service::forget_old(std::uint64_t now_ns) {
  if (now_ns < next_forgetting_ns_) return;
  next_forgetting_ns_ = now_ns + 5 * kSecondNs;
  const std::uint64_t keep_ns = options_.keep_ns + options_.after_ns + 5 * kSecondNs;
  watched_.forget_before(now_ns - std::min(now_ns, keep_ns));
}

// In the recording of the pod or container for which it is.
void Service::look_around(std::uint64_t now_ns) {
  const std::uint64_t realtime_ns = session_.session.to_realtime_ns(now_ns);
  for (const auto& [root, zoomed] : closer_.look_around(watched_, now_ns, realtime_ns)) {
    flight_.apply(facts::Noted{root, fmt::format("the service {} from {} on, by itself: {}",
                                                 zoomed.is_in ? "looked closer" : "looked as before again",
                                                 format_utc(zoomed.realtime_ns), zoomed.why)});
  }
}

void Service::stop_zooming() {
  options_.zooms = false;
  closer_.stop(world_.monotonic_ns());
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
    if (options_.zooms) look_around(now_ns);
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
  store_.finish();
  take_done();
  write_lines();
}

}  // namespace memspike::serve
