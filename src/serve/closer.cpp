#include "serve/closer.h"

#include <algorithm>

namespace memspike::serve {
namespace {

constexpr std::size_t kMostEnded = 64;
constexpr std::size_t kMostLatest = 16;

}  // namespace

// A pod stays as its containers come and go; of a container without one the next is known by its name.
Zoom::Place Closer::place_of(const Life& life, Watched& watched) const {
  if (const Life* pod = watched.pod_of(life)) return {life.found.memcg, pod->found.memcg};
  for (const auto& [root, look] : looks_) {
    if (look.subject && look.subject == life.subject) return {life.found.memcg, root};
  }
  return {life.found.memcg, life.found.memcg};
}

std::vector<Closer::Change> Closer::look_around(Watched& watched, std::uint64_t now_ns,
                                                std::uint64_t realtime_ns) {
  for (const auto& [memcg, life] : watched.all()) {
    if (!life.subject || life.gone_ns || life.headroom_bytes == decode::kNoHeadroom) continue;
    const OptionalBytes limit_bytes = life.limit_bytes ? life.limit_bytes : watched.limit_above(life);
    if (limit_bytes) zoom_.sample(place_of(life, watched), life.headroom_bytes, *limit_bytes, now_ns);
  }
  std::vector<Change> changes;
  for (const Zoom::Decision& decision : zoom_.decide(now_ns)) {
    latest_.push_back(decision.is_in ? begin(decision, watched, now_ns, realtime_ns)
                                     : end(decision, now_ns, realtime_ns));
    changes.emplace_back(decision.place.root, latest_.back());
    if (latest_.size() > kMostLatest) latest_.pop_front();
  }
  wish(watched);
  return changes;
}

Zoomed Closer::begin(const Zoom::Decision& decision, Watched& watched, std::uint64_t now_ns,
                     std::uint64_t realtime_ns) {
  const Life* life = watched.find(decision.place.memcg);
  Look& look = looks_[decision.place.root];
  look = {decision.place.root, life != nullptr ? life->subject : std::nullopt, now_ns, 0, {}};
  look.told = {true, realtime_ns, look.subject ? label_of(*look.subject) : "",
               std::string(to_text(decision.why))};
  return look.told;
}

Zoomed Closer::end(const Zoom::Decision& decision, std::uint64_t now_ns, std::uint64_t realtime_ns) {
  Zoomed zoomed{false, realtime_ns, "",
                decision.is_spent ? "it was for as long as that may be" : "nobody is in trouble any more"};
  const auto known = looks_.find(decision.place.root);
  if (known == looks_.end()) return zoomed;
  zoomed.who = known->second.told.who;
  end(known->second, now_ns);
  looks_.erase(known);
  return zoomed;
}

void Closer::end(Look& look, std::uint64_t now_ns) {
  look.to_ns = now_ns;
  ended_.push_back(std::move(look));
  if (ended_.size() > kMostEnded) ended_.pop_front();
}

void Closer::stop(std::uint64_t now_ns) {
  for (auto& [root, look] : looks_) end(look, now_ns);
  looks_.clear();
  wished_.clear();
  wish_.reset();
}

void Closer::wish(Watched& watched) {
  std::vector<facts::MemcgIndex> roots;
  for (const auto& [root, look] : looks_) roots.push_back(root);
  // What was started again and is in no pod.
  for (const auto& [memcg, life] : watched.all()) {
    if (looks_.empty() || life.gone_ns || !life.subject || watched.pod_of(life) != nullptr) continue;
    const facts::MemcgIndex root = place_of(life, watched).root;
    if (root != memcg && looks_.count(root) > 0) roots.push_back(memcg);
  }
  std::sort(roots.begin(), roots.end());
  if (roots == wished_) return;
  wished_ = roots;
  wish_ = std::move(roots);
}

std::vector<Zoomed> Closer::now() const {
  std::vector<Zoomed> now;
  for (const auto& [root, look] : looks_) now.push_back(look.told);
  return now;
}

std::vector<facts::DetailSpan> Closer::details_of(const Life& life, Watched& watched,
                                                  const facts::Session& session,
                                                  std::uint64_t from_ns) const {
  const facts::MemcgIndex root = place_of(life, watched).root;
  std::vector<facts::DetailSpan> details = session.details;
  const auto add = [&](const Look& look) {
    const bool is_at = look.root == root || (look.subject && look.subject == life.subject);
    if (!is_at || (look.to_ns != 0 && look.to_ns < from_ns)) return;
    details.push_back({look.from_ns, kCloserDetail});
    if (look.to_ns != 0) details.push_back({look.to_ns, session.detail});
  };
  for (const Look& look : ended_) add(look);
  for (const auto& [at, look] : looks_) add(look);
  std::stable_sort(details.begin(), details.end(),
                   [](const auto& a, const auto& b) { return a.from_ns < b.from_ns; });
  return details;
}

}  // namespace memspike::serve
