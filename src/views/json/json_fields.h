// A value to JSON by the description of its fields.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/optional_bytes.h"
#include "base/units.h"
#include "facts/fields.h"
#include "facts/names.h"
#include "report/report.h"
#include "views/json/json_values.h"
#include "views/kit/json_writer.h"

namespace memspike::views {

// What the descriptions in fields.h and facts/fields.h are called with; SchemaFields is the other one.
class JsonFields {
 public:
  JsonFields(JsonWriter& json, const report::Report& report) : json_(json), report_(report) {}

  const report::Report& report() const { return report_; }

  // `about`: for the schema.
  template <class T>
  void operator()(std::string_view name, const T& value, std::string_view about = {}) {
    static_cast<void>(about);
    json_.key(name);
    write(value);
  }
  // A key that is there only if it was asked for.
  template <class T>
  void asked(bool is_asked, std::string_view name, const T& value, std::string_view about = {}) {
    if (is_asked) (*this)(name, value, about);
  }

 private:
  using Layout = JsonWriter::Layout;

  template <class T>
  void write(const T& value) {
    if constexpr (std::same_as<T, bool> || std::convertible_to<T, std::string_view>) {
      json_.value(value);
    } else if constexpr (std::unsigned_integral<T>) {
      json_.value(std::uint64_t{value});
    } else if constexpr (std::signed_integral<T>) {
      json_.value(std::int64_t{value});
    } else if constexpr (std::is_enum_v<T>) {
      write_word(value);
    } else if constexpr (std::is_pointer_v<T> || kIsOptional<T>) {
      value ? write(*value) : json_.null();
    } else if constexpr (std::same_as<T, OptionalBytes>) {
      write(std::optional<std::uint64_t>(value));
    } else if constexpr (std::same_as<T, Utc>) {
      json_.value(format_utc(value.realtime_ns));
    } else if constexpr (std::same_as<T, Counters>) {
      write_counters(value);
    } else if constexpr (kIsTuple<T>) {
      json_.begin_array(Layout::inline_);
      std::apply([this](const auto&... element) { (json_.value(element), ...); }, value);
      json_.end_array();
    } else if constexpr (kIsRange<T>) {
      using Element = std::remove_cvref_t<decltype(*value.begin())>;
      json_.begin_array(std::is_arithmetic_v<Element> ? Layout::inline_ : Layout::lines);
      for (const auto& element : value) write(element);
      json_.end_array();
    } else {
      json_.begin_object(kSpread<T> ? Layout::lines : Layout::inline_);
      describe(*this, value);
      json_.end_object();
    }
  }

  // One without a word is not known.
  template <class T>
  void write_word(T value) {
    const std::string_view word = to_text(value);
    word.empty() ? json_.null() : json_.value(word);
  }
  void write_counters(const Counters& counters) {
    json_.begin_object();
    for (const auto& [name, value] : *counters.all) json_.member(name, value);
    json_.end_object();
  }

  JsonWriter& json_;
  const report::Report& report_;
};

}  // namespace memspike::views
