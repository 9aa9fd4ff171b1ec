#include "symbols/symbolizer.h"

#include <fmt/core.h>

#include <utility>

#include "symbols/assemble.h"
#include "symbols/jit_hints.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxTold = 65'536;
constexpr std::uint64_t kForgetNs = 1'000'000'000;

// Of a page of code of a process. Two that fall together cost a message that is not sent.
std::uint64_t key_of(std::uint32_t tgid, std::uint64_t address) {
  constexpr unsigned kPageBits = 12;
  return (std::uint64_t{tgid} << 40) ^ (address >> kPageBits);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return count == 1 ? fmt::format("1 {}", one) : fmt::format("{} {}", count, many);
}

}  // namespace

Symbolizer::Symbolizer(std::filesystem::path host_root, bool usable)
    : host_root_(std::move(host_root)), usable_(usable) {}

void Symbolizer::start(Budget budget) { helper_ = std::make_unique<NameHelper>(host_root_, budget); }

// Whether there is something in it that the helper was not told within the last second.
bool Symbolizer::remember(std::uint32_t tgid, std::span<const std::uint64_t> user, std::uint64_t now_ns) {
  if (now_ns >= forget_ns_ || told_.size() > kMaxTold) {
    told_.clear();
    forget_ns_ = now_ns + kForgetNs;
  }
  bool is_new = told_.insert(key_of(tgid, 0)).second;
  for (const std::uint64_t address : user) is_new |= told_.insert(key_of(tgid, address)).second;
  return is_new;
}

void Symbolizer::see(std::uint32_t tgid, std::span<const std::uint64_t> user, std::uint64_t now_ns) {
  if (!usable_ || helper_ == nullptr || !remember(tgid, user, now_ns)) return;
  if (!helper_->see(tgid, user)) told_.clear();  // it had no room: tell it again
}

bool Symbolizer::unwind_from(int ring, std::size_t bytes) {
  return usable_ && helper_ != nullptr && helper_->unwind_from(ring, bytes);
}

void Symbolizer::take_chains(const NameHelper::ChainSink& sink) {
  if (helper_ != nullptr) helper_->take_chains(sink);
}

void Symbolizer::finish_chains(const NameHelper::ChainSink& sink, const std::function<bool()>& is_wanted) {
  if (helper_ != nullptr) helper_->finish_chains(sink, is_wanted);
}

facts::NamedStacks Symbolizer::name(const facts::RawStacks& raw, const std::function<bool()>& is_wanted) {
  const std::vector<Place> places = places_of(raw);
  NameHelper::Answer answer;
  if (helper_ != nullptr) answer = helper_->ask(places, is_wanted);
  return take_answer(raw, places, answer);
}

facts::NamedStacks Symbolizer::take_answer(const facts::RawStacks& raw, const std::vector<Place>& places,
                                           const NameHelper::Answer& answer) {
  troubles_ = answer.code.troubles;
  is_whole_ = answer.is_whole || places.empty();
  hints_ = jit_hints(raw, places, answer.code);
  return assemble(raw, places, answer.code);
}

void Symbolizer::begin_naming(facts::RawStacks raw) {
  asked_.emplace();
  asked_->places = places_of(raw);
  asked_->raw = std::move(raw);
  if (helper_ != nullptr) helper_->begin(asked_->places);
}

std::optional<Symbolizer::Named> Symbolizer::take_named(std::uint64_t now_ns) {
  if (!asked_) return std::nullopt;
  std::optional<NameHelper::Answer> answer =
      helper_ == nullptr ? NameHelper::Answer() : helper_->take_answer(now_ns);
  if (!answer) return std::nullopt;
  const Asked asked = std::move(*asked_);
  asked_.reset();
  facts::NamedStacks stacks = take_answer(asked.raw, asked.places, *answer);
  return Named{asked.raw, std::move(stacks)};
}

bool Symbolizer::forget() {
  told_.clear();
  return helper_ == nullptr || helper_->forget();
}

std::vector<std::string> Symbolizer::remarks() const {
  std::vector<std::string> remarks;
  if (!is_whole_) {
    remarks.emplace_back(
        "stacks: the helper that reads symbols died or was late: code without a name is "
        "shown by module and offset");
  }
  if (troubles_.kernel_hidden != 0) {
    remarks.emplace_back(
        "stacks: the kernel's functions have no names: that takes CAP_SYSLOG, or "
        "kernel.kptr_restrict=0");
  }
  if (troubles_.refused_processes != 0) {
    remarks.push_back(fmt::format("stacks: the code of {} has no names: that takes CAP_SYS_PTRACE",
                                  counted(troubles_.refused_processes, "process", "processes")));
  }
  if (troubles_.refused_files != 0) {
    remarks.push_back(fmt::format("stacks: {} could not be read: that takes CAP_DAC_READ_SEARCH",
                                  counted(troubles_.refused_files, "file", "files")));
  }
  if (troubles_.failed_files != 0) {
    remarks.push_back(
        fmt::format("stacks: {} with symbols took too much time or memory to be read: such code "
                    "is shown by module and offset",
                    counted(troubles_.failed_files, "file", "files")));
  }
  return remarks;
}

}  // namespace memspike::symbols
