// Prints the JSON report's schema, for the build to install.
#include <cstdio>
#include <string>

#include "views/json/schema.h"

int main() {
  const std::string schema = memspike::views::json_schema();
  const bool written = std::fwrite(schema.data(), 1, schema.size(), stdout) == schema.size();
  return written && std::fflush(stdout) == 0 ? 0 : 1;
}
