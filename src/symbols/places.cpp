#include "symbols/places.h"

#include <algorithm>
#include <utility>

namespace memspike::symbols {

void Code::set_build_id(std::uint64_t module, std::string_view id) {
  if (module < modules.size()) modules[module].build_id = id;
}

void Code::set_name(std::uint64_t place, std::uint64_t address, std::string_view function) {
  if (place >= frames.size()) return;
  facts::Frame& frame = frames[place];
  frame.address = address;
  if (function.empty()) return;
  // The kernel's modules stand behind their functions: "xfs_file_write_iter [xfs]".
  const auto bracket = frame.module == kKernel ? function.rfind(" [") : std::string_view::npos;
  frame.function = function.substr(0, bracket);
  if (bracket == std::string_view::npos) return;
  const std::string_view name = function.substr(bracket + 1);
  const auto known = std::find_if(modules.begin(), modules.end(),
                                  [&](const facts::Module& module) { return module.path == name; });
  frame.module = static_cast<std::uint32_t>(known - modules.begin());
  if (known == modules.end()) modules.push_back({std::string(name), ""});
}

// The last one is the function itself, whose name its symbol tells better.
void Code::set_lines(std::uint64_t place, const std::vector<CodeLine>& lines) {
  if (place >= frames.size() || lines.empty()) return;
  facts::Frame& frame = frames[place];
  frame.file = lines.back().file;
  frame.line = lines.back().line;
  if (frame.function.empty()) frame.function = lines.back().function;
  std::vector<facts::Frame> inside;
  for (std::size_t i = 0; i + 1 < lines.size(); ++i)
    inside.push_back({lines[i].function, frame.module, frame.address, lines[i].file, lines[i].line, true});
  if (!inside.empty()) inlined[place] = std::move(inside);
}

void Code::set_jit_name(std::uint64_t place, std::string_view function) {
  if (place >= frames.size()) return;
  facts::Frame& frame = frames[place];
  frame.function = function;
  if (frame.module == kAnonymous || frame.module == kUnknown) frame.module = kJit;
}

}  // namespace memspike::symbols
