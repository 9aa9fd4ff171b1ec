#include "capture/live/late_names.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "process/clock.h"

namespace memspike::capture {
namespace {

// The link of a container's log is there some moments after its cgroup.
constexpr std::uint64_t kFirstPauseNs = 20'000'000;
constexpr std::uint64_t kTogetherNs = 50'000'000;
constexpr std::uint64_t kLongestPauseNs = 30'000'000'000;
constexpr std::size_t kMaxNameless = 4096;
constexpr int kAskedPerPoll = 32;  // of each some files are looked for

// The pause container has a name in no log.
bool is_complete(const facts::Description& description) {
  const bool container_named =
      !description.container || description.container->name || description.role == facts::Role::sandbox;
  return container_named && (!description.pod || description.pod->name);
}

bool says_more(const facts::Description& description, const facts::Description& told) {
  const auto name = [](const std::optional<facts::Container>& container) {
    return container ? container->name : std::nullopt;
  };
  return description.role != told.role || name(description.container) != name(told.container) ||
         description.pod != told.pod;
}

}  // namespace

void LateNames::on_fact(const facts::Fact& fact, const Emit&) {
  if (const auto* gone = std::get_if<facts::MemcgGone>(&fact)) {
    for (Nameless& nameless : nameless_) {
      if (nameless.memcg != gone->memcg) continue;
      nameless.is_gone = true;
      nameless.next_ns = next_ns_ = 0;  // at once: the link may go soon
    }
  }
  const auto* born = std::get_if<facts::MemcgFound>(&fact);
  if (born == nullptr) return;
  const facts::Description& told = born->description;
  if (!told.in_target || is_complete(told) || nameless_.size() >= kMaxNameless) return;
  nameless_.push_back({born->memcg, born->path, told, false, monotonic_ns() + kFirstPauseNs, kFirstPauseNs});
}

// Says whether it need not be asked again.
bool LateNames::ask(Nameless& nameless, const Emit& emit) {
  facts::Description description = describe_(nameless.path);
  description.in_target = true;
  if (says_more(description, nameless.told)) {
    nameless.told = description;
    emit(facts::MemcgNamed{nameless.memcg, description});
  }
  return nameless.is_gone || is_complete(description);
}

void LateNames::poll(std::uint64_t now_ns, const Emit& emit) {
  const auto is_due = [&](const Nameless& nameless) { return now_ns >= nameless.next_ns; };
  if (now_ns < next_ns_ || std::none_of(nameless_.begin(), nameless_.end(), is_due)) return;
  next_ns_ = now_ns + kTogetherNs;
  reload_();
  int asked = 0;
  std::erase_if(nameless_, [&](Nameless& nameless) {
    if (!is_due(nameless) || asked == kAskedPerPoll) return false;
    ++asked;
    nameless.pause_ns = std::min(2 * nameless.pause_ns, kLongestPauseNs);
    nameless.next_ns = now_ns + nameless.pause_ns;
    return ask(nameless, emit);
  });
}

void LateNames::finish(std::uint64_t, const Emit& emit) {
  reload_();
  for (Nameless& nameless : nameless_) ask(nameless, emit);
  nameless_.clear();
}

}  // namespace memspike::capture
