// The process that looks at strangers' files for memspike: what memspike asks, and what it answers.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "rights/helper.h"
#include "symbols/lookup.h"
#include "symbols/places.h"

namespace memspike::symbols {

// What the helper does, until memspike is gone.
void serve(rights::HelperSide& side, const std::filesystem::path& host_root, const Budget& budget);

class NameHelper {
 public:
  explicit NameHelper(const std::filesystem::path& host_root, Budget budget = {});
  ~NameHelper();

  // Never waits: what the helper has no room for is dropped (false).
  bool see(std::uint32_t tgid, std::span<const std::uint64_t> addresses);

  // Stacks are unwound from copies in this ring buffer, of so many bytes. False: they will not be.
  bool unwind_from(int ring, std::size_t bytes);
  // What was unwound since the last time. Never waits.
  using ChainSink = std::function<void(std::uint64_t copy, Chain chain)>;
  void take_chains(const ChainSink& sink);
  // … and what is left: nothing more comes into the ring buffer. As ask() waits.
  void finish_chains(const ChainSink& sink, const std::function<bool()>& is_wanted);

  // Waits for as long as the budget says, and a little. `is_wanted`: asked meanwhile; false ends the waiting.
  // Has what was answered by then; `is_whole`: all.
  struct Answer {
    Code code;
    bool is_whole = false;
  };
  Answer ask(std::span<const Place> places, const std::function<bool()>& is_wanted);

  // The same without waiting: one question at a time, which take_chains() has go on.
  void begin(std::span<const Place> places);
  bool is_asked() const { return question_ != nullptr; }
  // What was answered when all was, or when there is no more time.
  std::optional<Answer> take_answer(std::uint64_t now_ns);

  // Of processes, their code, and what was read of it. Never waits; false: it had no room.
  bool forget();

  pid_t pid() const { return helper_.pid(); }

 private:
  struct Question;
  void send_question();
  Answer end_question();
  bool wait_for(short events, std::uint64_t deadline_ns, const std::function<bool()>& is_wanted) const;

  // Whether the message was the last one of chains.
  static bool read_chains(std::string_view message, const ChainSink& sink);

  Budget budget_;
  rights::Helper helper_;
  std::unique_ptr<Question> question_;
  std::uint64_t questions_ = 0;
};

}  // namespace memspike::symbols
