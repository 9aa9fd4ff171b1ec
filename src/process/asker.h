// Asks what /proc says of threads, and does not wait for it: a helper looks (rights/helper.h). A process may
// hold up whoever reads its command line, for one by where it keeps it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "process/thread_facts.h"
#include "rights/helper.h"

namespace memspike::process {

class Asker {
 public:
  // Forks the helper: before there is anything that it must not have.
  explicit Asker(const std::filesystem::path& host_root);

  // As of Reader::read. Never waits. What the helper has no room for is not asked.
  void ask(std::uint32_t tgid, std::uint32_t tid, const ThreadFacts* known, bool settled);

  // Hands over what was answered since. Waits for 2 ms at most, and only for a helper that has answered all
  // that it was asked before: charges are booked 10 ms after they were made, and then want a name.
  void take(const std::function<void(ThreadFacts facts)>& sink);

  // Of what was asked, how much is not answered yet; 0 when the helper died.
  std::uint64_t waiting() const { return helper_.is_connected() ? asked_ - answered_ : 0; }
  bool is_alive() const { return helper_.is_connected(); }
  pid_t pid() const { return helper_.pid(); }

 private:
  void wait_a_moment();

  rights::Helper helper_;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  bool is_late_ = false;
};

}  // namespace memspike::process
