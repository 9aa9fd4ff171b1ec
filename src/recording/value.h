// A fact as named values: what stands between a fact's fields and Perfetto's debug annotations.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace memspike::recording {

struct Value;
using Dict = std::vector<std::pair<std::string, Value>>;
using Array = std::vector<Value>;

struct Value {
  std::variant<bool, std::uint64_t, std::int64_t, std::string, Dict, Array> data;
};

}  // namespace memspike::recording
