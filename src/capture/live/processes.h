// Who charges: asked of /proc at once, in a helper of its own, for a thread may be dead a moment later.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "capture/live/source.h"
#include "process/asker.h"
#include "process/reader.h"
#include "process/watch.h"
#include "symbols/symbolizer.h"

namespace memspike::capture {

// What is looked at in processes of its own, beside memspike. Made before there are maps, rings and programs
// to inherit.
struct Helpers {
  // names: how long the reading of names of stacks may take; nothing: there are no stacks.
  Helpers(const std::filesystem::path& host_root, std::optional<symbols::Budget> names);

  process::Reader proc;
  process::Asker asker;
  symbols::Symbolizer symbolizer;

  std::vector<pid_t> pids() const;  // of those that there are
};

class Processes : public Source {
 public:
  explicit Processes(Helpers& helpers);

  void ask(std::uint32_t tgid, std::uint64_t now_ns) { watch_.see(tgid, tgid, now_ns); }

  // As the record comes, not when its turn has come.
  void on_event(const decode::Event& event, std::uint64_t now_ns) override;
  // What was answered meanwhile.
  void poll(std::uint64_t now_ns, const Emit& emit) override;
  // What was asked last is answered within a millisecond, as a rule.
  void finish(std::uint64_t now_ns, const Emit& emit) override;

 private:
  Helpers& helpers_;
  process::Watch watch_;
};

}  // namespace memspike::capture
