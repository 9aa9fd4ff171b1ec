#include "facts/code.h"

#include <fmt/core.h>

namespace memspike::facts {

std::string label_of(const Frame& frame, const NamedStacks& stacks) {
  if (!frame.function.empty()) return frame.function;
  std::string name = stacks.modules[frame.module].path;
  const bool is_path = name.find('/') != std::string::npos;
  if (is_path) name.erase(0, name.rfind('/') + 1);
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  return fmt::format("[{}+{:#x}]", name, frame.address);
}

}  // namespace memspike::facts
