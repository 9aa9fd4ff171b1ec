#include "symbols/rules.h"

#include <algorithm>

#include "base/message.h"
#include "symbols/clock.h"
#include "symbols/trial.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxRules = 200'000;  // some 300 bytes each
constexpr std::size_t kMaxRuleBytes = std::size_t{4} << 20;
constexpr std::uint64_t kFileNs = 1'000'000'000;
// Of all files together: a tenth of the time, and this much ahead.
constexpr std::uint64_t kAheadNs = 5'000'000'000;
constexpr std::uint64_t kShare = 10;

}  // namespace

const UnwindRule* Rules::find(std::uint32_t module, std::uint64_t offset) const {
  static const UnwindRule kNothing;
  const auto file = files_.find(module);
  if (file == files_.end()) return nullptr;
  const auto rule = file->second.rules.find(offset);
  if (rule != file->second.rules.end()) return &rule->second;
  return file->second.is_bad ? &kNothing : nullptr;
}

std::uint64_t Rules::budget_ns(std::uint64_t at_ns) {
  paid_ns_ = std::max(paid_ns_, at_ns);
  const std::uint64_t ahead_ns = kAheadNs * kShare;
  const std::uint64_t owed_ns = paid_ns_ - at_ns;
  return owed_ns >= ahead_ns ? 0 : std::min(kFileNs, (ahead_ns - owed_ns) / kShare);
}

void Rules::read(std::uint32_t module, std::span<const std::uint64_t> offsets, std::uint64_t at_ns) {
  if (count_ + offsets.size() > kMaxRules) {
    files_.clear();
    count_ = 0;
  }
  File& file = files_[module];
  const std::uint64_t budget = budget_ns(at_ns);
  Trial trial;
  const std::uint64_t begin_ns = now_ns();
  if (!file.is_bad && budget > 0) {
    trial = run_trial(budget, kMaxRuleBytes, [&](const TrialWrite& write) {
      modules_.read_rules(module, offsets, [&](const UnwindRule& rule) {
        MessageWriter message;
        rule.write(message);
        write(message.bytes());
      });
    });
    if (!trial.is_whole) ++failed_files_;
  }
  paid_ns_ += (now_ns() - begin_ns) * kShare;
  file.is_bad = file.is_bad || (budget > 0 && !trial.is_whole);
  MessageReader reader(trial.bytes);
  for (const std::uint64_t offset : offsets) {
    UnwindRule rule;
    if (!reader.at_end()) rule = UnwindRule::read(reader);
    if (file.rules.insert_or_assign(offset, std::move(rule)).second) ++count_;
  }
}

}  // namespace memspike::symbols
