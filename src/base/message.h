// Messages between memspike and its helpers (rights/helper.h): numbers and texts. What comes
// from there is not trusted: reading never goes beyond the end, and says when something was missing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/varint.h"

namespace memspike {

class MessageWriter {
 public:
  MessageWriter& number(std::uint64_t value) {
    append_varint(bytes_, value);
    return *this;
  }
  MessageWriter& text(std::string_view value) {
    number(value.size());
    bytes_ += value;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::string bytes_;
};

class MessageReader {
 public:
  explicit MessageReader(std::string_view bytes) : bytes_(bytes) {}

  // 0 and "" where the message ends too early: see is_whole().
  std::uint64_t number();
  std::string_view text();

  bool at_end() const { return bytes_.empty() || !is_whole_; }
  bool is_whole() const { return is_whole_; }

 private:
  std::string_view bytes_;
  bool is_whole_ = true;
};

}  // namespace memspike
