// At whom a service looks closer, since when and why: in the terms of its containers what Zoom decides.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "facts/session.h"
#include "serve/watched.h"
#include "serve/zoom.h"

namespace memspike::serve {

// In which a container is seen at which it looks closer.
inline constexpr const char* kCloserDetail = "pages";

// It looked closer from then on, or as before again.
struct Zoomed {
  bool is_in = false;
  std::uint64_t realtime_ns = 0;
  std::string who;  // not escaped
  std::string why;
};

class Closer {
 public:
  // `haste`: see Zoom.
  explicit Closer(std::uint64_t haste) : zoom_(haste) {}

  void note(const Life& life, Trouble trouble, std::uint64_t time_ns, Watched& watched) {
    zoom_.note(place_of(life, watched), trouble, time_ns);
  }
  void end(facts::MemcgIndex memcg) { zoom_.end(memcg); }

  // About once a second. What changes, and for which pod, or which container that is in none.
  using Change = std::pair<facts::MemcgIndex, Zoomed>;
  std::vector<Change> look_around(Watched& watched, std::uint64_t now_ns, std::uint64_t realtime_ns);

  // Somebody says by hand how close to look.
  void stop(std::uint64_t now_ns);

  // What is to be looked at closer from now on, with all below; none: as before. Nothing: no news.
  std::optional<std::vector<facts::MemcgIndex>> take_wish() { return std::exchange(wish_, std::nullopt); }

  std::vector<Zoomed> now() const;
  const std::deque<Zoomed>& latest() const { return latest_; }  // by time

  // How it was watched from then on, where most are watched as the session says.
  std::vector<facts::DetailSpan> details_of(const Life& life, Watched& watched, const facts::Session& session,
                                            std::uint64_t from_ns) const;

 private:
  // At one pod, or at one container that is in none.
  struct Look {
    facts::MemcgIndex root = 0;
    std::optional<SubjectId> subject;  // for whom
    std::uint64_t from_ns = 0;
    std::uint64_t to_ns = 0;  // 0: it goes on
    Zoomed told;
  };

  Zoom::Place place_of(const Life& life, Watched& watched) const;
  Zoomed begin(const Zoom::Decision& decision, Watched& watched, std::uint64_t now_ns,
               std::uint64_t realtime_ns);
  Zoomed end(const Zoom::Decision& decision, std::uint64_t now_ns, std::uint64_t realtime_ns);
  void end(Look& look, std::uint64_t now_ns);
  void wish(Watched& watched);

  Zoom zoom_;
  std::map<facts::MemcgIndex, Look> looks_;  // by root: now
  std::deque<Look> ended_;
  std::deque<Zoomed> latest_;
  std::vector<facts::MemcgIndex> wished_;  // last
  std::optional<std::vector<facts::MemcgIndex>> wish_;
};

}  // namespace memspike::serve
