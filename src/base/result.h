// One error type and one Result alias for the whole program.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace memspike {

// What went wrong, in the terms of the process's exit code.
enum class ErrorKind {
  failed,       // exit 1: an operation failed (I/O, a dying kernel object)
  usage,        // exit 2: the user asked for something malformed
  not_found,    // exit 3: the target does not exist or is ambiguous
  unsupported,  // exit 4: this kernel or these privileges cannot do it
};

// One clear line for a person, and where it helps, the one thing to do about it.
struct Error {
  ErrorKind kind = ErrorKind::failed;
  std::string message;
  std::string advice{};
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, std::string message, std::string advice = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(message), std::move(advice)});
}

}  // namespace memspike
