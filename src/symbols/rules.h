// The unwind rules that are known so far, by file. What is missing is read in a process of its own (trial.h),
// within a budget of time: strangers' files.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "symbols/modules.h"
#include "symbols/unwind_rule.h"

namespace memspike::symbols {

class Rules {
 public:
  explicit Rules(const Modules& modules) : modules_(modules) {}

  // nullptr: not known yet.
  const UnwindRule* find(std::uint32_t module, std::uint64_t offset) const;
  // Afterwards all are known, if only as Kind::none: the file does not say, or took too long.
  void read(std::uint32_t module, std::span<const std::uint64_t> offsets, std::uint64_t at_ns);

  std::uint64_t failed_files() const { return failed_files_; }

 private:
  struct File {
    std::unordered_map<std::uint64_t, UnwindRule> rules;
    bool is_bad = false;
  };
  std::uint64_t budget_ns(std::uint64_t at_ns);

  const Modules& modules_;
  std::unordered_map<std::uint32_t, File> files_;
  std::size_t count_ = 0;
  std::uint64_t paid_ns_ = 0;  // when the time spent so far is paid for
  std::uint64_t failed_files_ = 0;
};

}  // namespace memspike::symbols
