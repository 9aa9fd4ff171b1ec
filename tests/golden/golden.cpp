#include "golden.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace memspike::golden {
namespace {

bool updating() {
  const char* const value = std::getenv("MEMSPIKE_UPDATE_GOLDENS");
  return value != nullptr && std::string_view(value) == "1";
}

std::string line_at(std::string_view text, std::size_t at) {
  const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  return std::string(text.substr(begin, text.find('\n', at) - begin));
}

}  // namespace

void check_golden(std::string_view file, std::string_view actual) {
  const std::string path = std::string(MEMSPIKE_GOLDENS "/").append(file);
  if (updating()) {
    std::ofstream(path, std::ios::binary) << actual;
    return;
  }
  std::ifstream in(path, std::ios::binary);
  INFO(path << " (MEMSPIKE_UPDATE_GOLDENS=1 rewrites it)");
  REQUIRE(in);
  const std::string expected{std::istreambuf_iterator<char>(in), {}};
  const auto differ = std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
  const auto at = static_cast<std::size_t>(differ.first - expected.begin());
  const auto line = std::count(expected.begin(), differ.first, '\n') + 1;
  INFO("line " << line << "\n  expected: " << line_at(expected, std::min(at, expected.size()))
               << "\n  actual:   " << line_at(actual, std::min(at, actual.size())));
  CHECK((expected == actual));
}

}  // namespace memspike::golden
