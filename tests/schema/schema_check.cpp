#include "schema_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "views/json/schema.h"

namespace memspike::testing {
namespace {

using Json = nlohmann::json;

// What the generated schema uses of JSON Schema; another keyword is an error, too.
class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  void check(const Json& value, const Json& schema, const std::string& where) {
    for (const auto& [keyword, rule] : schema.items()) apply(keyword, rule, value, schema, where);
  }
  std::string take() { return std::move(faults_); }

 private:
  void fault(const std::string& where, const std::string& what) { faults_ += where + ": " + what + "\n"; }

  static bool is_of(const Json& value, const std::string& type) {
    if (type == "integer") return value.is_number_integer();
    return value.type_name() == type;
  }

  void check_type(const Json& rule, const Json& value, const std::string& where) {
    const Json types = rule.is_array() ? rule : Json::array({rule});
    const auto fits = [&](const Json& type) { return is_of(value, type.get<std::string>()); };
    if (std::none_of(types.begin(), types.end(), fits)) fault(where, "is no " + rule.dump());
  }

  void check_any(const Json& rule, const Json& value, const std::string& where) {
    for (const Json& one : rule) {
      Checker checker(root_);
      checker.check(value, one, where);
      if (checker.faults_.empty()) return;
    }
    fault(where, "is none of what it may be: " + value.dump().substr(0, 200));
  }

  void check_keys(const Json& rule, const Json& value, const Json& schema, const std::string& where) {
    for (const auto& [key, member] : value.items()) {
      if (rule.contains(key)) {
        check(member, rule.at(key), where + "/" + key);
      } else if (!schema.contains("additionalProperties")) {
        fault(where, "has \"" + key + "\", which the schema does not name");
      }
    }
  }

  void apply(const std::string& keyword, const Json& rule, const Json& value, const Json& schema,
             const std::string& where) {
    static const std::vector<std::string> kSaying{"$schema", "$defs", "title", "description", "format"};
    if (std::find(kSaying.begin(), kSaying.end(), keyword) != kSaying.end()) return;
    if (keyword == "$ref") {
      check(value, root_.at(Json::json_pointer(rule.get<std::string>().substr(1))), where);
    } else if (keyword == "anyOf") {
      check_any(rule, value, where);
    } else if (keyword == "type") {
      check_type(rule, value, where);
    } else if (keyword == "enum") {
      if (std::find(rule.begin(), rule.end(), value) == rule.end())
        fault(where, value.dump() + " is no word of it");
    } else if (keyword == "const") {
      if (value != rule) fault(where, "is not " + rule.dump());
    } else if (keyword == "minimum") {
      if (value.is_number_integer() && value < rule) fault(where, value.dump() + " is too little");
    } else if (keyword == "minItems" || keyword == "maxItems") {
      const bool is_least = keyword == "minItems";
      if (is_least ? value.size() < rule : value.size() > rule) fault(where, "has not that many elements");
    } else if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i)
        check(value[i], rule, where + "/" + std::to_string(i));
    } else if (keyword == "additionalProperties") {
      for (const auto& [key, member] : value.items()) check(member, rule, where + "/" + key);
    } else if (keyword == "properties") {
      if (value.is_object()) check_keys(rule, value, schema, where);
    } else if (keyword == "required") {
      for (const Json& key : rule) {
        if (value.is_object() && !value.contains(key.get<std::string>())) fault(where, "lacks " + key.dump());
      }
    } else {
      fault(where, "the check does not know \"" + keyword + "\"");
    }
  }

  const Json& root_;
  std::string faults_;
};

}  // namespace

std::string against_schema(std::string_view report) {
  static const Json schema = Json::parse(views::json_schema());
  Checker checker(schema);
  checker.check(Json::parse(report), schema, "");
  return checker.take();
}

}  // namespace memspike::testing
