#include "symbols/helper.h"

#include <linux/capability.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>

#include "base/message.h"
#include "symbols/clock.h"
#include "symbols/code_lines.h"
#include "symbols/messages.h"

namespace memspike::symbols {
namespace {

// Beyond what the helper's own budget is: for it to be asked, and to answer.
constexpr std::uint64_t kGraceNs = 2'000'000'000;
constexpr std::size_t kMaxNamesBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxModules = 65'536;

// Its capabilities: to open /proc/PID/root and maps, what is below, and /proc/PID/map_files.
const rights::Confinement kConfinement{"memspike-names",
                                       std::uint64_t{512} << 20,
                                       {CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE}};

// Takes one answer in. What it says is not trusted.
class Reception {
 public:
  explicit Reception(std::size_t places) : places_(places) {}

  enum class Next { more, done, nonsense };
  Next take(std::string_view message) {
    MessageReader reader(message);
    const auto kind = static_cast<Reply>(reader.number());
    bytes_ += message.size();
    if (bytes_ > kMaxNamesBytes) return Next::nonsense;
    switch (kind) {
      case Reply::module:
        code_.modules.push_back({std::string(reader.text()), ""});
        break;
      case Reply::frames:
        take_frames(reader);
        break;
      case Reply::build_id: {
        const std::uint64_t module = reader.number();
        code_.set_build_id(module, reader.text());
        break;
      }
      case Reply::name: {
        const std::uint64_t place = reader.number();
        const std::uint64_t address = reader.number();
        code_.set_name(place, address, reader.text());
        break;
      }
      case Reply::jit_name: {
        const std::uint64_t place = reader.number();
        code_.set_jit_name(place, reader.text());
        break;
      }
      case Reply::lines: {
        const std::uint64_t place = reader.number();
        code_.set_lines(place, read_lines(reader));
        break;
      }
      case Reply::chains:
      case Reply::finished:
        return Next::more;  // from before: too late
      case Reply::done:
        for (std::uint64_t* count : {&code_.troubles.kernel_hidden, &code_.troubles.refused_processes,
                                     &code_.troubles.refused_files, &code_.troubles.failed_files}) {
          *count = reader.number();
        }
        return reader.is_whole() ? Next::done : Next::nonsense;
    }
    const bool is_sane = reader.is_whole() && code_.modules.size() <= kMaxModules;
    return is_sane ? Next::more : Next::nonsense;
  }

  Code take_code() { return std::move(code_); }

 private:
  void take_frames(MessageReader& reader) {
    while (!reader.at_end() && code_.frames.size() < places_) {
      const std::uint64_t module = reader.number();
      const std::uint64_t address = reader.number();
      if (module >= code_.modules.size()) return;
      code_.frames.push_back({"", static_cast<std::uint32_t>(module), address});
    }
  }

  std::size_t places_;
  std::size_t bytes_ = 0;
  Code code_;
};

}  // namespace

NameHelper::NameHelper(const std::filesystem::path& host_root, Budget budget)
    : budget_(budget),
      helper_(kConfinement, [&](rights::HelperSide& side) { serve(side, host_root, budget); }) {}

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

void NameHelper::take_chains(const ChainSink& sink) {
  while (const auto message = helper_.receive()) read_chains(*message, sink);
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

bool NameHelper::send_places(std::span<const Place> places, std::uint64_t deadline_ns,
                             const std::function<bool()>& is_wanted) {
  const auto deliver = [&](const MessageWriter& message) {
    while (helper_.is_connected() && wait_for(POLLOUT, deadline_ns, is_wanted)) {
      if (helper_.send(message.bytes())) return true;
    }
    return false;
  };
  for (std::size_t first = 0; first < places.size(); first += kPlacesInMessage) {
    MessageWriter message;
    message.number(static_cast<std::uint64_t>(Ask::places));
    for (const Place& place : places.subspan(first, std::min(kPlacesInMessage, places.size() - first))) {
      message.number(place.tgid).number(place.address).number(place.is_return ? 1 : 0);
    }
    if (!deliver(message)) return false;
  }
  MessageWriter last;
  last.number(static_cast<std::uint64_t>(Ask::names));
  return deliver(last);
}

NameHelper::Answer NameHelper::ask(std::span<const Place> places, const std::function<bool()>& is_wanted) {
  Answer answer;
  Reception reception(places.size());
  const std::uint64_t deadline_ns = now_ns() + budget_.all_ns + kGraceNs;
  bool goes_on = helper_.is_connected() && send_places(places, deadline_ns, is_wanted);
  while (goes_on && helper_.is_connected() && wait_for(POLLIN, deadline_ns, is_wanted)) {
    const auto message = helper_.receive();
    if (!message) continue;
    const auto next = reception.take(*message);
    answer.is_whole = next == Reception::Next::done;
    goes_on = next == Reception::Next::more;
  }
  answer.code = reception.take_code();
  return answer;
}

}  // namespace memspike::symbols
