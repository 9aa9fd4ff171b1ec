// Writes JSON as it goes, without a document in memory: a timeline may hold
// millions of points.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "views/kit/buffer.h"
#include "views/kit/escape.h"

namespace memspike::views {

class JsonWriter {
 public:
  // Whether a container spreads its elements over lines, or keeps to one. What
  // lies within an inline container is inline.
  enum class Layout { lines, inline_ };

  explicit JsonWriter(Sink sink) : buffer_(std::move(sink)) {}

  void begin_object(Layout layout = Layout::lines) { begin('{', layout); }
  void end_object() { end('}'); }
  void begin_array(Layout layout = Layout::lines) { begin('[', layout); }
  void end_array() { end(']'); }

  // The next value's name, within an object. `name` is ours: not escaped.
  void key(std::string_view name);

  void value(std::uint64_t number);
  void value(std::int32_t number);
  void value(std::int64_t number);
  void value(bool truth);
  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void null();
  template <class T>
  void value(const std::optional<T>& maybe) {
    maybe ? value(*maybe) : null();
  }

  template <class T>
  void member(std::string_view name, const T& v) {
    key(name);
    value(v);
  }

  // Ends the document with a newline and hands it over. The sink's first error.
  Result<void> finish();

 private:
  struct Level {
    Layout layout;
    bool empty = true;
  };

  void begin(char bracket, Layout layout);
  void end(char bracket);
  void separate();
  void new_line();

  Buffer buffer_;
  std::vector<Level> levels_;
  bool after_key_ = false;
};

}  // namespace memspike::views
