// A buffer before a Sink, so that millions of small fields make few writes.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "views/kit/sink.h"

namespace memspike::views {

class Buffer {
 public:
  explicit Buffer(Sink sink) : sink_(std::move(sink)) { text_.reserve(kFlushBytes + kFlushBytes / 8); }

  void put(char c) { text_ += c; }
  void put(std::string_view text) { text_ += text; }
  void put_integer(std::uint64_t value) {
    const fmt::format_int digits(value);
    text_.append(digits.data(), digits.size());
  }
  // The end of the text, for those who append by themselves.
  std::string& text() { return text_; }

  void flush_if_full() {
    if (text_.size() >= kFlushBytes) flush();
  }

  // Hands everything over; the first error of the sink, if there was one.
  Result<void> flush() {
    if (state_ && !text_.empty()) state_ = sink_(text_);
    text_.clear();
    return state_;
  }

  bool failed() const { return !state_; }

 private:
  static constexpr std::size_t kFlushBytes = 64 << 10;
  Sink sink_;
  std::string text_;
  Result<void> state_{};
};

}  // namespace memspike::views
