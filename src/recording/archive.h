// A fact's fields to named values and back, by its description in fields.h.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "facts/fields.h"
#include "facts/names.h"
#include "recording/value.h"

namespace memspike::recording {

// Fields → values. An unset optional is left out.
class Saver {
 public:
  template <class T>
  void operator()(const char* name, T& field) {
    dict_.push_back({name, save(field)});
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& field) {
    if (field) dict_.push_back({name, save(*field)});
  }
  Dict take() { return std::move(dict_); }

 private:
  static Value save(bool field) { return {field}; }
  static Value save(std::string& field) { return {field}; }
  template <std::unsigned_integral T>
  static Value save(T field) {
    return {std::uint64_t{field}};
  }
  template <std::signed_integral T>
  static Value save(T field) {
    return {std::int64_t{field}};
  }
  template <class T>
  requires std::is_enum_v<T>
  static Value save(T field) { return {static_cast<std::uint64_t>(field)}; }
  // Whether the kernel said so: its log is recorded in lines of its own.
  static Value save(facts::LimitSource field) { return {field == facts::LimitSource::kernel}; }
  static Value save(spike::Outcome field) { return {std::string(spike::to_text(field))}; }
  template <class T>
  static Value save(std::vector<T>& field) {
    Array array;
    for (T& element : field) array.push_back(save(element));
    return {std::move(array)};
  }
  template <class T>
  requires std::is_class_v<T>
  static Value save(T& field) {
    Saver inner;
    facts::describe(inner, field);
    return {inner.take()};
  }

  Dict dict_;
};

// Values → fields. What is missing, or of another type or range, leaves the field alone.
class Loader {
 public:
  explicit Loader(const Dict& dict) : dict_(dict) {}

  template <class T>
  void operator()(const char* name, T& field) {
    if (const Value* value = find(name)) load(*value, field);
  }
  template <class T>
  void operator()(const char* name, std::optional<T>& field) {
    const Value* value = find(name);
    if (value == nullptr) return;
    field.emplace(T{});
    if (!load(*value, *field)) field.reset();
  }

 private:
  const Value* find(const char* name) const {
    for (const auto& [key, value] : dict_) {
      if (key == name) return &value;
    }
    return nullptr;
  }

  template <class T>
  static bool load_same(const Value& value, T& field) {
    const T* data = std::get_if<T>(&value.data);
    if (data != nullptr) field = *data;
    return data != nullptr;
  }
  static bool load(const Value& value, bool& field) { return load_same(value, field); }
  static bool load(const Value& value, std::string& field) { return load_same(value, field); }
  template <std::integral T>
  static bool load(const Value& value, T& field) {
    using Wide = std::conditional_t<std::is_unsigned_v<T>, std::uint64_t, std::int64_t>;
    Wide wide{};
    if (!load_same(value, wide)) return false;
    if (wide > std::numeric_limits<T>::max() || wide < std::numeric_limits<T>::min()) return false;
    field = static_cast<T>(wide);
    return true;
  }
  template <class T>
  requires std::is_enum_v<T>
  static bool load(const Value& value, T& field) {
    std::uint64_t wide = 0;
    if (!load_same(value, wide) || wide > static_cast<std::uint64_t>(last_of(field))) return false;
    field = static_cast<T>(wide);
    return true;
  }
  static bool load(const Value& value, facts::LimitSource& field) {
    bool known = false;
    if (!load_same(value, known)) return false;
    field = known ? facts::LimitSource::kernel : facts::LimitSource::inferred;
    return true;
  }
  static bool load(const Value& value, spike::Outcome& field) {
    std::string name;
    if (!load_same(value, name)) return false;
    for (const spike::Outcome outcome :
         {spike::Outcome::fell, spike::Outcome::oom_kill, spike::Outcome::ongoing, spike::Outcome::removed}) {
      if (name == spike::to_text(outcome)) field = outcome;
    }
    return name == spike::to_text(field);
  }
  template <class T>
  static bool load(const Value& value, std::vector<T>& field) {
    const Array* array = std::get_if<Array>(&value.data);
    if (array == nullptr) return false;
    field.clear();
    for (const Value& element : *array) {
      if (!load(element, field.emplace_back())) field.pop_back();
    }
    return true;
  }
  template <class T>
  requires std::is_class_v<T>
  static bool load(const Value& value, T& field) {
    const Dict* dict = std::get_if<Dict>(&value.data);
    if (dict == nullptr) return false;
    Loader inner(*dict);
    facts::describe(inner, field);
    return true;
  }

  const Dict& dict_;
};

}  // namespace memspike::recording
