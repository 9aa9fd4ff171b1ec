#include "symbols/helper.h"

#include <linux/capability.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <string>
#include <string_view>

#include "base/message.h"
#include "symbols/clock.h"
#include "symbols/messages.h"
#include "symbols/reception.h"

namespace memspike::symbols {
namespace {

// Beyond what the helper's own budget is: for it to be asked, and to answer.
constexpr std::uint64_t kGraceNs = 2'000'000'000;

// Its capabilities: to open /proc/PID/root and maps, what is below, and /proc/PID/map_files.
const rights::Confinement kConfinement{"memspike-names",
                                       std::uint64_t{512} << 20,
                                       {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE}};

}  // namespace

// What is still to be said, and what was answered so far.
struct NameHelper::Question {
  Question(std::uint64_t number, std::size_t places, const Budget& budget)
      : reception(number, places, budget.answer_bytes), deadline_ns(now_ns() + budget.all_ns + kGraceNs) {}

  std::deque<std::string> to_say;
  Reception reception;
  std::uint64_t deadline_ns;
  Reception::Next state = Reception::Next::more;
};

NameHelper::NameHelper(const std::filesystem::path& host_root, Budget budget)
    : budget_(budget),
      helper_(kConfinement, [&](rights::HelperSide& side) { serve(side, host_root, budget); }) {}

NameHelper::~NameHelper() = default;

bool NameHelper::see(std::uint32_t tgid, std::span<const std::uint64_t> addresses) {
  MessageWriter message;
  message.number(static_cast<std::uint64_t>(Ask::see)).number(tgid);
  for (const std::uint64_t address : addresses) message.number(address);
  return helper_.send(message.bytes());
}

bool NameHelper::unwind_from(int ring, std::size_t bytes) {
  MessageWriter message;
  message.number(static_cast<std::uint64_t>(Ask::copies)).number(bytes);
  return helper_.send(message.bytes(), ring);
}

// What it says is not trusted.
bool NameHelper::read_chains(std::string_view message, const ChainSink& sink) {
  MessageReader reader(message);
  const auto kind = static_cast<Reply>(reader.number());
  while (kind == Reply::chains && !reader.at_end()) {
    const std::uint64_t copy = reader.number();
    Chain chain;
    chain.is_whole = reader.number() != 0;
    for (std::uint64_t left = reader.number(); left > 0 && !reader.at_end(); --left)
      chain.frames.push_back(reader.number());
    if (reader.is_whole()) sink(copy, std::move(chain));
  }
  return kind == Reply::finished;
}

// Between them may be what is answered to the question.
void NameHelper::take_chains(const ChainSink& sink) {
  if (question_ != nullptr) send_question();
  while (const auto message = helper_.receive()) {
    read_chains(*message, sink);
    if (question_ != nullptr && question_->state == Reception::Next::more)
      question_->state = question_->reception.take(*message);
  }
}

bool NameHelper::forget() {
  return helper_.send(MessageWriter().number(static_cast<std::uint64_t>(Ask::forget)).bytes());
}

void NameHelper::finish_chains(const ChainSink& sink, const std::function<bool()>& is_wanted) {
  const std::uint64_t deadline_ns = now_ns() + budget_.all_ns;
  const std::string ask = MessageWriter().number(static_cast<std::uint64_t>(Ask::finish)).bytes();
  while (!helper_.send(ask)) {
    // It may wait for us to hear what it has to say.
    take_chains(sink);
    if (!helper_.is_connected() || !wait_for(POLLOUT, deadline_ns, is_wanted)) return;
  }
  while (helper_.is_connected() && wait_for(POLLIN, deadline_ns, is_wanted)) {
    const auto message = helper_.receive();
    if (message && read_chains(*message, sink)) return;
  }
}

bool NameHelper::wait_for(short events, std::uint64_t deadline_ns,
                          const std::function<bool()>& is_wanted) const {
  constexpr std::uint64_t kLookNs = 50'000'000;
  for (;;) {
    const std::uint64_t now = now_ns();
    if (now >= deadline_ns || !is_wanted()) return false;
    pollfd wait{helper_.fd(), events, 0};
    const std::uint64_t wait_ns = std::min(deadline_ns - now, kLookNs);
    const int ready = poll(&wait, 1, static_cast<int>(wait_ns / 1'000'000 + 1));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

void NameHelper::begin(std::span<const Place> places) {
  const std::uint64_t number = ++questions_;
  question_ = std::make_unique<Question>(number, places.size(), budget_);
  for (std::size_t first = 0; first < places.size(); first += kPlacesInMessage) {
    MessageWriter message;
    message.number(static_cast<std::uint64_t>(Ask::places)).number(number);
    for (const Place& place : places.subspan(first, std::min(kPlacesInMessage, places.size() - first)))
      message.number(place.tgid).number(place.address).number(place.is_return ? 1 : 0);
    question_->to_say.push_back(message.bytes());
  }
  question_->to_say.push_back(
      MessageWriter().number(static_cast<std::uint64_t>(Ask::names)).number(number).bytes());
  send_question();
}

void NameHelper::send_question() {
  while (!question_->to_say.empty() && helper_.send(question_->to_say.front())) question_->to_say.pop_front();
}

NameHelper::Answer NameHelper::end_question() {
  Answer answer;
  answer.code = question_->reception.take_code();
  answer.is_whole = question_->state == Reception::Next::done;
  question_.reset();
  return answer;
}

std::optional<NameHelper::Answer> NameHelper::take_answer(std::uint64_t now_ns) {
  if (question_ == nullptr) return std::nullopt;
  const bool goes_on = question_->state == Reception::Next::more && helper_.is_connected();
  if (goes_on && now_ns < question_->deadline_ns) return std::nullopt;
  return end_question();
}

NameHelper::Answer NameHelper::ask(std::span<const Place> places, const std::function<bool()>& is_wanted) {
  begin(places);
  for (;;) {
    take_chains([](std::uint64_t, const Chain&) {});
    if (auto answer = take_answer(now_ns())) return std::move(*answer);
    const bool may_send = !question_->to_say.empty();
    const auto events = static_cast<short>(POLLIN | (may_send ? POLLOUT : 0));
    if (!wait_for(events, question_->deadline_ns, is_wanted)) return end_question();
  }
}

}  // namespace memspike::symbols
