// Where the values of a large map lie that were asked for lately: nearly every record is of one of few.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

namespace memspike {

template <class Value>
class Nearby {
 public:
  // nullptr: it may be in the map.
  Value* find(std::uint32_t key) const {
    const auto& [number, value] = places_[key % places_.size()];
    return number == key ? value : nullptr;
  }
  void keep(std::uint32_t key, Value& value) { places_[key % places_.size()] = {key, &value}; }
  // Before it is taken out of the map.
  void forget(std::uint32_t key) {
    auto& [number, value] = places_[key % places_.size()];
    if (number == key) value = nullptr;
  }

 private:
  std::array<std::pair<std::uint32_t, Value*>, 256> places_{};  // by the end of the key
};

}  // namespace memspike
