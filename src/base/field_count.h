// How many fields a plain struct has, to the compiler: what deals with all of them by name says so with it.
#pragma once

#include <cstddef>
#include <utility>

namespace memspike {
namespace field_count {

// Initializes whatever it is asked to.
struct Anything {
  template <class T>
  operator T&() const noexcept;
};

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), Anything{})...}; };
}

// From above: fewer may not do, where what is left out has no default.
template <class T, std::size_t kAtMost = 64>
constexpr std::size_t count() {
  if constexpr (takes<T>(std::make_index_sequence<kAtMost>())) {
    return kAtMost;
  } else {
    return count<T, kAtMost - 1>();
  }
}

}  // namespace field_count

// Of an aggregate of at most 64, without base classes and arrays.
template <class T>
inline constexpr std::size_t kFieldCount = field_count::count<T>();

}  // namespace memspike
