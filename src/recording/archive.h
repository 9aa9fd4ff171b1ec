// A fact's fields to named values and back, by its description in fields.h.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "recording/fields.h"
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
  static Value save(report::Role field) { return {static_cast<std::uint64_t>(field)}; }
  // Whether the kernel said so: its log is recorded in lines of its own.
  static Value save(report::LimitSource field) { return {field == report::LimitSource::kernel}; }
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
    describe(inner, field);
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
  static bool load(const Value& value, report::Role& field) {
    std::uint64_t wide = 0;
    if (!load_same(value, wide) || wide > static_cast<std::uint64_t>(report::Role::cgroup)) return false;
    field = static_cast<report::Role>(wide);
    return true;
  }
  static bool load(const Value& value, report::LimitSource& field) {
    bool known = false;
    if (!load_same(value, known)) return false;
    field = known ? report::LimitSource::kernel : report::LimitSource::inferred;
    return true;
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
    describe(inner, field);
    return true;
  }

  const Dict& dict_;
};

}  // namespace memspike::recording
