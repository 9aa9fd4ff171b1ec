// What the helper answers to a question for names, message by message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/message.h"
#include "symbols/places.h"

namespace memspike::symbols {

// What it says is not trusted.
class Reception {
 public:
  // most_bytes: what is longer is cut there.
  Reception(std::uint64_t question, std::size_t places, std::size_t most_bytes)
      : question_(question), places_(places), most_bytes_(most_bytes) {}

  enum class Next { more, done, nonsense };
  Next take(std::string_view message);

  Code take_code() { return std::move(code_); }

 private:
  void take_frames(MessageReader& reader);

  std::uint64_t question_;
  std::size_t places_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  bool is_open_ = false;
  Code code_;
};

}  // namespace memspike::symbols
