// From addresses to names. It reads no file itself: its helper does (helper.h), which may be late, or die.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "facts/code.h"
#include "symbols/helper.h"

namespace memspike::symbols {

class Symbolizer {
 public:
  // usable: /proc below host_root numbers processes as the kernel does; false: only the kernel's own
  // frames get names.
  Symbolizer(std::filesystem::path host_root, bool usable);

  // Forks the helper: before there is anything that it must not have. Without it nothing is done or known.
  void start(Budget budget = {});

  // A user stack was seen just now; an empty one: the process is there, and may have its spike as its last.
  // Never waits.
  void see(std::uint32_t tgid, std::span<const std::uint64_t> user, std::uint64_t now_ns);

  // User stacks are unwound from the copies in this ring buffer; see NameHelper.
  bool unwind_from(int ring, std::size_t bytes);
  void take_chains(const NameHelper::ChainSink& sink);
  void finish_chains(
      const NameHelper::ChainSink& sink, const std::function<bool()>& is_wanted = [] { return true; });

  // Waits for the helper while the names are wanted, and the helper's time is not over.
  facts::NamedStacks name(
      const facts::RawStacks& raw, const std::function<bool()>& is_wanted = [] { return true; });

  // The same without waiting, one after the other: begun here, and taken when it is there. take_chains() has
  // it go on.
  void begin_naming(facts::RawStacks raw);
  bool is_naming() const { return asked_.has_value(); }
  struct Named {
    facts::RawStacks raw;
    facts::NamedStacks stacks;
  };
  std::optional<Named> take_named(std::uint64_t now_ns);

  // What the helper knows of processes and their code: a service would gather it for months. False: it had no
  // room to hear it.
  bool forget();

  // Why names are missing in what name() gave, for the report's notes.
  std::vector<std::string> remarks() const;
  // … and what the processes themselves would have to be told for them: untrusted, for it names processes.
  const std::vector<std::string>& hints() const { return hints_; }

  pid_t helper() const { return helper_ == nullptr ? -1 : helper_->pid(); }

 private:
  struct Asked {
    facts::RawStacks raw;
    std::vector<Place> places;
  };
  facts::NamedStacks take_answer(const facts::RawStacks& raw, const std::vector<Place>& places,
                                 const NameHelper::Answer& answer);
  bool remember(std::uint32_t tgid, std::span<const std::uint64_t> user, std::uint64_t now_ns);

  std::filesystem::path host_root_;
  bool usable_;
  std::unique_ptr<NameHelper> helper_;
  std::unordered_set<std::uint64_t> told_;  // pages of code, since forget_ns_ - 1 s
  std::uint64_t forget_ns_ = 0;
  std::optional<Asked> asked_;
  Troubles troubles_;
  bool is_whole_ = true;
  std::vector<std::string> hints_;
};

}  // namespace memspike::symbols
