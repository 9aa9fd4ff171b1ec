#include "views/json/schema.h"

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "views/json/fields.h"

namespace memspike::views {
namespace {

using Schema = nlohmann::ordered_json;

// The last of each kind of word, as facts/names.h has those of the facts.
constexpr spike::Outcome last_of(spike::Outcome) { return spike::Outcome::removed; }
constexpr near_miss::StandCause last_of(near_miss::StandCause) {
  return near_miss::StandCause::killer_disabled;
}
constexpr advice::Basis last_of(advice::Basis) { return advice::Basis::pod; }

// Those that occur in many places are defined once.
template <class T>
inline constexpr const char* kName = nullptr;
template <>
inline constexpr const char* kName<histogram::Histogram> = "histogram";
template <>
inline constexpr const char* kName<facts::Container> = "container";
template <>
inline constexpr const char* kName<facts::PodId> = "pod";
template <>
inline constexpr const char* kName<CulpritShown> = "culprit";
template <>
inline constexpr const char* kName<near_miss::Stalls> = "stalls";
template <>
inline constexpr const char* kName<composition::Growth> = "growth";
template <>
inline constexpr const char* kName<composition::Allocated> = "allocated";

// Takes the types of the fields; their values are those of an empty report.
class SchemaFields {
 public:
  explicit SchemaFields(Schema& definitions) : definitions_(definitions) {}

  const report::Report& report() const { return empty_; }

  template <class T>
  void operator()(std::string_view name, const T&, std::string_view about = {}) {
    add<T>(name, about);
    required_.push_back(name);
  }
  template <class T>
  void asked(bool, std::string_view name, const T&, std::string_view about = {}) {
    add<T>(name, about);
  }

  Schema take() {
    return {{"type", "object"}, {"required", std::move(required_)}, {"properties", std::move(properties_)}};
  }

  template <class T>
  Schema of() {
    if constexpr (std::same_as<T, bool>) {
      return {{"type", "boolean"}};
    } else if constexpr (std::convertible_to<T, std::string_view>) {
      return {{"type", "string"}};
    } else if constexpr (std::unsigned_integral<T>) {
      return {{"type", "integer"}, {"minimum", 0}};
    } else if constexpr (std::signed_integral<T>) {
      return {{"type", "integer"}};
    } else if constexpr (std::is_enum_v<T>) {
      return words<T>();
    } else if constexpr (std::is_pointer_v<T>) {
      return or_null(of<std::remove_cv_t<std::remove_pointer_t<T>>>());
    } else if constexpr (kIsOptional<T>) {
      return or_null(of<typename T::value_type>());
    } else if constexpr (std::same_as<T, OptionalBytes>) {
      return or_null(of<std::uint64_t>());
    } else if constexpr (std::same_as<T, Utc>) {
      return {{"type", "string"}, {"format", "date-time"}};
    } else if constexpr (std::same_as<T, Counters>) {
      return {{"type", "object"}, {"additionalProperties", of<std::uint64_t>()}};
    } else if constexpr (kIsTuple<T>) {
      constexpr std::size_t kSize = std::tuple_size_v<T>;
      Schema element = of<std::remove_cvref_t<std::tuple_element_t<0, T>>>();
      return {{"type", "array"}, {"items", std::move(element)}, {"minItems", kSize}, {"maxItems", kSize}};
    } else if constexpr (kIsRange<T>) {
      using Element = std::remove_cvref_t<decltype(*std::declval<const T&>().begin())>;
      return {{"type", "array"}, {"items", of<Element>()}};
    } else {
      return object<T>();
    }
  }

 private:
  template <class T>
  void add(std::string_view name, std::string_view about) {
    Schema schema = of<T>();
    if (!about.empty()) schema["description"] = about;
    properties_[std::string(name)] = std::move(schema);
  }

  template <class T>
  static Schema words() {
    Schema all = Schema::array();
    for (int i = 0; i <= static_cast<int>(last_of(T{})); ++i) {
      const std::string_view word = to_text(static_cast<T>(i));
      all.push_back(word.empty() ? Schema() : Schema(word));
    }
    return {{"enum", std::move(all)}};
  }

  template <class T>
  Schema object() {
    SchemaFields inner(definitions_);
    const T empty = T();
    if constexpr (kName<T> == nullptr) {
      describe(inner, empty);
      return inner.take();
    } else {
      if (!definitions_.contains(kName<T>)) {
        describe(inner, empty);
        definitions_[kName<T>] = inner.take();
      }
      return {{"$ref", std::string("#/$defs/") + kName<T>}};
    }
  }

  static Schema or_null(Schema schema) {
    if (schema.contains("type") && schema["type"].is_string()) {
      schema["type"] = Schema::array({schema["type"], "null"});
      return schema;
    }
    return {{"anyOf", Schema::array({std::move(schema), {{"type", "null"}}})}};
  }

  report::Report empty_;
  Schema& definitions_;
  Schema required_ = Schema::array();
  Schema properties_ = Schema::object();
};

}  // namespace

std::string json_schema() {
  Schema definitions = Schema::object();
  SchemaFields fields(definitions);
  Schema schema{
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "memspike report"},
      {"description",
       "Bytes and nanoseconds stand in the names; null: not known, or does not exist. Times in _ns are "
       "CLOCK_MONOTONIC, those in _utc RFC 3339. Keys may be added."}};
  schema.update(fields.of<report::Report>());
  schema["properties"]["schema_version"]["const"] = report::kSchemaVersion;
  schema["$defs"] = std::move(definitions);
  return schema.dump(1) + "\n";
}

}  // namespace memspike::views
