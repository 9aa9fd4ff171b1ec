// From addresses to names: while recording it looks where code lies, at the end it reads symbols.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>

#include "report/stacks.h"
#include "symbols/modules.h"
#include "symbols/processes.h"

namespace memspike::symbols {

class Symbolizer {
 public:
  // usable: /proc below host_root numbers processes as the kernel does; false: only the kernel's own
  // frames get names.
  Symbolizer(const std::filesystem::path& host_root, bool usable);

  // A user stack was seen just now; an empty one: the process is there, and may have its spike as its last.
  void see(std::uint32_t tgid, std::span<const std::uint64_t> user, std::uint64_t now_ns) {
    if (usable_) processes_.see(tgid, user, now_ns);
  }

  // To be called now and then: reads again what a stack came too early for.
  void read_due(std::uint64_t now_ns) { processes_.read_due(now_ns); }

  report::Stacks name(const report::RawStacks& raw, std::uint64_t page_size_bytes);

 private:
  using Key = std::tuple<std::uint32_t, std::uint64_t, std::string>;  // module, address, function

  std::uint32_t frame(report::Frame frame);
  std::uint32_t module(const std::string& path, const std::string& build_id);
  std::uint32_t user_frame(std::uint32_t tgid, std::uint64_t address, bool is_return);
  std::uint32_t kernel_frame(std::uint64_t address, bool is_return);
  void name_kernel_part(const report::RawStack& raw, report::Stack& stack);
  void name_user_part(const report::RawStack& raw, report::Stack& stack);

  std::filesystem::path host_root_;
  bool usable_;
  Modules modules_;
  Processes processes_;
  SymbolTable kernel_;

  report::Stacks result_;
  std::map<Key, std::uint32_t> frames_;
  std::map<std::pair<std::string, std::string>, std::uint32_t> module_numbers_;
};

// Whether a stack that ends in this function is complete: threads and programs start there.
bool is_start_of_thread(std::string_view function);

// Whether a kernel function is the tracing itself and not what was traced.
bool is_tracing(std::string_view function);

}  // namespace memspike::symbols
