#include "symbols/reception.h"

#include <cstdint>
#include <string>

#include "symbols/code_lines.h"
#include "symbols/messages.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxModules = 65'536;

}  // namespace

Reception::Next Reception::take(std::string_view message) {
  MessageReader reader(message);
  const auto kind = static_cast<Reply>(reader.number());
  if (kind == Reply::answer) is_open_ = reader.number() == question_;
  if (!is_open_) return Next::more;  // to a question of before, for which there was no more time
  if (kind == Reply::chains || kind == Reply::finished) return Next::more;
  bytes_ += message.size();
  if (bytes_ > most_bytes_) return Next::nonsense;
  switch (kind) {
    case Reply::answer:
      break;
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
      return Next::more;
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

void Reception::take_frames(MessageReader& reader) {
  while (!reader.at_end() && code_.frames.size() < places_) {
    const std::uint64_t module = reader.number();
    const std::uint64_t address = reader.number();
    if (module >= code_.modules.size()) return;
    code_.frames.push_back({"", static_cast<std::uint32_t>(module), address});
  }
}

}  // namespace memspike::symbols
