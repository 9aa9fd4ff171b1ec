#include "symbols/demangle.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "symbols/rust_name.h"

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
  // Neither a version (malloc@GLIBC_2.2.5) nor what LLVM tells copies apart by is a part of the name.
  name = name.substr(0, std::min(name.find('@', 1), name.find(".llvm.")));
  std::string plain(name);
  if (auto rust = demangle_rust(name)) return *rust;
  if (name.rfind("_Z", 0) != 0 || name.size() > kMaxMangled) return plain;
  int status = 0;
  const std::unique_ptr<char, Free> text(abi::__cxa_demangle(plain.c_str(), nullptr, nullptr, &status));
  if (status != 0 || text == nullptr) return plain;
  std::string demangled(text.get());
  if (demangled.size() > kMaxDemangled) return plain;
  return tidy_legacy_rust(demangled).value_or(demangled);
}

}  // namespace memspike::symbols
