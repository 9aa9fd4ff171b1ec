// Names that the node knows only some time after a cgroup was made.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "capture/live/source.h"

namespace memspike::capture {

// The kubelet makes a pod's cgroup before its logs, a runtime a container's before its configuration. What
// has no name yet is asked for again: after 100 ms, and each time after twice as long, up to half a minute.
class LateNames : public Source {
 public:
  using Describe = std::function<facts::Description(const std::string& path)>;

  // `reload`: called before `describe` is asked again.
  LateNames(std::function<void()> reload, Describe describe)
      : reload_(std::move(reload)), describe_(std::move(describe)) {}

  // A memcg was born. Does nothing where all its names are known.
  void on_fact(const facts::Fact& fact, const Emit& emit) override;

  // Asks for those whose turn has come.
  void poll(std::uint64_t now_ns, const Emit& emit) override;

  // Asks for all, for the last time.
  void finish(std::uint64_t now_ns, const Emit& emit) override;

 private:
  struct Nameless {
    facts::MemcgIndex memcg = 0;
    std::string path;
    facts::Description told;
    bool is_gone = false;
    std::uint64_t next_ns = 0;
    std::uint64_t pause_ns = 0;
  };

  bool ask(Nameless& nameless, const Emit& emit);

  std::function<void()> reload_;
  Describe describe_;
  std::vector<Nameless> nameless_;
  std::uint64_t next_ns_ = 0;  // not before: many are asked for together
};

}  // namespace memspike::capture
