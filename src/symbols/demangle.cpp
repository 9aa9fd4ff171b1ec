#include "symbols/demangle.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

namespace memspike::symbols {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }  // NOLINT: malloc'd by the ABI
};

}  // namespace

std::string demangle(std::string_view name) {
  // A few bytes may stand for an endless name, and nesting costs stack: nobody writes longer ones.
  constexpr std::size_t kMaxMangled = 1024;
  constexpr std::size_t kMaxDemangled = 16'384;
  std::string plain(name);
  if (name.rfind("_Z", 0) != 0 || name.size() > kMaxMangled) return plain;
  int status = 0;
  const std::unique_ptr<char, Free> text(abi::__cxa_demangle(plain.c_str(), nullptr, nullptr, &status));
  if (status != 0 || text == nullptr) return plain;
  std::string demangled(text.get());
  return demangled.size() > kMaxDemangled ? plain : demangled;
}

}  // namespace memspike::symbols
