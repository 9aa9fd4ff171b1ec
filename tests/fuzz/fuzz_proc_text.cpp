// What processes write about their own code, and the names in their files.
#include <cstdint>
#include <string>
#include <string_view>

#include "require.h"
#include "symbols/demangle.h"
#include "symbols/proc_text.h"

using namespace memspike;

namespace {

void check_table(symbols::SymbolTable& table) {
  table.seal();
  for (const std::uint64_t address :
       {0ULL, 1ULL, 0x401000ULL, 0x7f00a0000000ULL, 0xffffffff81000000ULL, ~0ULL}) {
    const auto name = table.find(address);
    FUZZ_REQUIRE(!name || !name->empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::uint64_t previous = 0;
  for (const symbols::Mapping& mapping : symbols::parse_maps(text)) {
    FUZZ_REQUIRE(mapping.start < mapping.end);
    FUZZ_REQUIRE(mapping.start >= previous);
    previous = mapping.start;
  }
  (void)symbols::parse_namespace_pid(text);
  symbols::SymbolTable jit;
  symbols::parse_perf_map(text, jit);
  check_table(jit);
  symbols::SymbolTable kernel;
  const bool any = symbols::parse_kallsyms(text, kernel);
  FUZZ_REQUIRE(any || kernel.size() == 0);
  check_table(kernel);
  (void)symbols::demangle(text.substr(0, text.find('\n')));
  return 0;
}
