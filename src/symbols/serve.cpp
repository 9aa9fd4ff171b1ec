// The helper's side: a process without rights, but to look at the files of others.
#include <algorithm>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/message.h"
#include "symbols/clock.h"
#include "symbols/copy_ring.h"
#include "symbols/helper.h"
#include "symbols/messages.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxPlaces = std::size_t{1} << 20;

void reply(const MessageWriter& message) { rights::HelperSide::send(message.bytes()); }

MessageWriter begin(Reply kind) {
  MessageWriter message;
  message.number(static_cast<std::uint64_t>(kind));
  return message;
}

// Chains on their way to memspike, many in a message.
class Chains {
 public:
  Unwinder::Sink sink() {
    return [this](std::uint64_t copy, const Chain& chain) { add(copy, chain); };
  }

  void send() {
    if (count_ > 0) reply(message_);
    message_ = begin(Reply::chains);
    count_ = 0;
  }

 private:
  void add(std::uint64_t copy, const Chain& chain) {
    constexpr std::size_t kEnoughBytes = 8192;  // of a chain's own at most 2 KiB come on top
    message_.number(copy).number(chain.is_whole ? 1 : 0).number(chain.frames.size());
    for (const std::uint64_t address : chain.frames) message_.number(address);
    ++count_;
    if (message_.size() > kEnoughBytes) send();
  }

  MessageWriter message_ = begin(Reply::chains);
  std::size_t count_ = 0;
};

class Server {
 public:
  Server(const std::filesystem::path& host_root, const Budget& budget) : lookup_(host_root, budget) {}

  void take(std::string_view message, UniqueFd file) {
    MessageReader reader(message);
    switch (static_cast<Ask>(reader.number())) {
      case Ask::see:
        return see(reader);
      case Ask::places:
        begin_question(reader.number());
        while (!reader.at_end() && places_.size() < kMaxPlaces) {
          const auto tgid = static_cast<std::uint32_t>(reader.number());
          const std::uint64_t address = reader.number();
          places_.push_back({tgid, address, reader.number() != 0});
        }
        return;
      case Ask::names:
        begin_question(reader.number());
        answer();
        places_.clear();
        return;
      case Ask::forget:
        lookup_.forget();
        rests_ = true;
        return;
      case Ask::copies:
        copies_.map(std::move(file), reader.number());
        return;
      case Ask::finish:
        while (take_copies() > 0) {
        }
        lookup_.unwinder().finish(now_ns(), chains_.sink());
        chains_.send();
        reply(begin(Reply::finished));
        return;
    }
  }

  void read_due() {
    lookup_.read_due(now_ns());
    take_copies();
    lookup_.unwinder().read_due(now_ns(), chains_.sink());
    chains_.send();
  }

  // For how long there is nothing to do, if nobody writes; -1: for ever.
  int pause_ms() const {
    constexpr int kDuePeriodMs = 5;
    constexpr int kCopiesPeriodMs = 20;
    return lookup_.has_due() ? kDuePeriodMs : copies_.fd() >= 0 && !rests_ ? kCopiesPeriodMs : -1;
  }
  int copies_fd() const { return copies_.fd(); }

 private:
  // Of one that was not asked to its end nothing is left.
  void begin_question(std::uint64_t number) {
    if (number != question_) places_.clear();
    question_ = number;
  }

  // Some at a time: processes that come and go want to be looked at meanwhile.
  std::size_t take_copies() {
    constexpr std::size_t kAtATime = 64;
    return copies_.take(kAtATime, [this](std::span<const std::byte> record) {
      auto copy = parse_stack_copy(record);
      if (copy) lookup_.unwinder().take(std::move(*copy), now_ns(), chains_.sink());
    });
  }

  void see(MessageReader& reader) {
    rests_ = false;
    const auto tgid = static_cast<std::uint32_t>(reader.number());
    std::vector<std::uint64_t> addresses;
    while (!reader.at_end()) addresses.push_back(reader.number());
    lookup_.see(tgid, addresses, now_ns());
  }

  // First what is known without reading a file: it stands, whatever becomes of the names.
  void answer() {
    const Code code = lookup_.locate(places_);
    reply(begin(Reply::answer).number(question_));
    for (const facts::Module& module : code.modules) {
      reply(begin(Reply::module).text(std::string_view(module.path).substr(0, kMaxNameBytes)));
    }
    for (std::size_t first = 0; first < code.frames.size(); first += kPlacesInMessage) {
      MessageWriter message = begin(Reply::frames);
      const std::size_t end = std::min(first + kPlacesInMessage, code.frames.size());
      for (std::size_t i = first; i < end; ++i) {
        message.number(code.frames[i].module).number(code.frames[i].address);
      }
      reply(message);
    }
    const Troubles troubles = lookup_.name(
        places_, {[](std::uint32_t module, std::string_view id) {
                    reply(begin(Reply::build_id).number(module).text(id.substr(0, kMaxNameBytes)));
                  },
                  [](std::size_t place, std::uint64_t address, std::string_view function) {
                    const std::string_view name = function.substr(0, kMaxNameBytes);
                    reply(begin(Reply::name).number(place).number(address).text(name));
                  },
                  [](std::size_t place, std::string_view function) {
                    reply(begin(Reply::jit_name).number(place).text(function.substr(0, kMaxNameBytes)));
                  },
                  [](std::size_t place, const std::vector<CodeLine>& lines) {
                    MessageWriter message = begin(Reply::lines);
                    message.number(place);
                    write_lines(message, lines);
                    reply(message);  // too long a one is not sent
                  }});
    reply(begin(Reply::done)
              .number(troubles.kernel_hidden)
              .number(troubles.refused_processes)
              .number(troubles.refused_files)
              .number(troubles.failed_files));
  }

  Lookup lookup_;
  std::uint64_t question_ = 0;
  std::vector<Place> places_;
  bool rests_ = true;  // nobody takes stacks, until one was seen
  CopyRing copies_;
  Chains chains_;
};

}  // namespace

void serve(rights::HelperSide& side, const std::filesystem::path& host_root, const Budget& budget) {
  Server server(host_root, budget);  // opens the kernel's symbols, for which a right is needed
  side.confine();
  while (const auto message = side.receive(server.pause_ms(), server.copies_fd())) {
    server.read_due();
    if (!message->empty()) server.take(*message, side.take_file());
  }
}

}  // namespace memspike::symbols
