// A fact as named values: what stands between a fact's fields and Perfetto's debug annotations.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace memspike::recording {

struct Value;
struct Member;
using Dict = std::vector<Member>;
using Array = std::vector<Value>;

struct Value {
  std::variant<bool, std::uint64_t, std::int64_t, std::string, Dict, Array> data;
};

// Not a std::pair, which wants its members complete.
struct Member {
  std::string name;
  Value value;
};

}  // namespace memspike::recording
