#include "views/kit/json_writer.h"

namespace memspike::views {

void JsonWriter::new_line() {
  buffer_.put('\n');
  for (std::size_t i = 0; i < levels_.size(); ++i) buffer_.put("  ");
}

void JsonWriter::separate() {
  if (std::exchange(after_key_, false) || levels_.empty()) return;
  Level& level = levels_.back();
  const bool first = std::exchange(level.empty, false);
  if (!first) buffer_.put(',');
  if (level.layout == Layout::lines) {
    new_line();
  } else if (!first) {
    buffer_.put(' ');
  }
  buffer_.flush_if_full();
}

void JsonWriter::begin(char bracket, Layout layout) {
  separate();
  const bool within_inline = !levels_.empty() && levels_.back().layout == Layout::inline_;
  buffer_.put(bracket);
  levels_.push_back({within_inline ? Layout::inline_ : layout});
}

void JsonWriter::end(char bracket) {
  const Level level = levels_.back();
  levels_.pop_back();
  if (!level.empty && level.layout == Layout::lines) new_line();
  buffer_.put(bracket);
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(buffer_.text(), name);  // some come from recordings, and those from strangers
  buffer_.put(": ");
  after_key_ = true;
}

void JsonWriter::value(std::uint64_t number) {
  separate();
  buffer_.put_integer(number);
}

void JsonWriter::value(std::int32_t number) {
  separate();
  buffer_.put(fmt::to_string(number));
}

void JsonWriter::value(std::int64_t number) {
  separate();
  buffer_.put(fmt::to_string(number));
}

void JsonWriter::value(bool truth) {
  separate();
  buffer_.put(truth ? "true" : "false");
}

void JsonWriter::value(std::string_view text) {
  separate();
  append_json_string(buffer_.text(), text);
}

void JsonWriter::null() {
  separate();
  buffer_.put("null");
}

Result<void> JsonWriter::finish() {
  buffer_.put('\n');
  return buffer_.flush();
}

}  // namespace memspike::views
