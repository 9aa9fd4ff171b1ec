// When a fact is from.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "facts/fact.h"

namespace memspike::recording {

// Nothing of what has no time of its own.
inline std::optional<std::uint64_t> time_of(const facts::Fact& fact) {
  return std::visit(
      [](const auto& f) -> std::optional<std::uint64_t> {
        if constexpr (requires { f.row.time_ns; }) {
          return f.row.time_ns;
        } else if constexpr (requires { f.kill.time_ns; }) {
          return f.kill.time_ns;
        } else if constexpr (requires { f.time_ns; }) {
          return f.time_ns;
        } else {
          return std::nullopt;
        }
      },
      fact);
}

}  // namespace memspike::recording
