// What files have said of places in them: who asks again, as a service does every few seconds, is told
// without that they are read again. Bounded: what finds no room is read again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "symbols/code_lines.h"

namespace memspike::symbols {

class Told {
 public:
  // A module, or kKernel; where in it; whether that is the address behind a call.
  using Key = std::tuple<std::uint32_t, std::uint64_t, bool>;
  static constexpr std::uint32_t kKernel = ~std::uint32_t{0};

  struct Answer {
    std::optional<std::uint64_t> address;  // in the file's own terms
    std::string function;
    std::vector<CodeLine> lines;
  };

  // To be filled; nullptr: there is no room.
  Answer* add(const Key& key);
  const Answer* find(const Key& key) const;

  void set_build_id(std::uint32_t module, std::string id) { build_ids_[module] = std::move(id); }
  const std::string* build_id(std::uint32_t module) const;

  // Its reading took too long, or did not survive it: it is not tried again.
  void set_bad(std::uint32_t module) { bad_.insert(module); }
  bool is_bad(std::uint32_t module) const { return bad_.count(module) > 0; }

 private:
  static constexpr std::size_t kMaxPlaces = 16'384;

  std::map<Key, Answer> answers_;
  std::map<std::uint32_t, std::string> build_ids_;
  std::set<std::uint32_t> bad_;
};

}  // namespace memspike::symbols
