// Files that code was mapped from, kept open: when their process is dead nobody can say any more
// which file it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "symbols/code_lines.h"
#include "symbols/elf_file.h"
#include "symbols/opener.h"
#include "symbols/proc_text.h"
#include "symbols/unwind_rule.h"

namespace memspike::symbols {

// A byte of a file that is code.
struct FilePlace {
  std::uint64_t offset = 0;
  bool is_return = false;  // the address is the one behind a call
};

class Modules {
 public:
  // host_root: where the node's debug files are looked for, behind the container's own.
  explicit Modules(std::filesystem::path host_root) : host_root_(std::move(host_root)) {}

  // The number of the file that was mapped; nullopt: not seen yet.
  std::optional<std::uint32_t> find(const Mapping& mapping) const;
  // A file seen for the first time. `root`: the directory that its process has as root, or nullptr. nullopt:
  // there are too many already.
  std::optional<std::uint32_t> add(const Mapping& mapping, std::shared_ptr<OpenedFile> file,
                                   std::shared_ptr<UniqueFd> root);
  bool may_open_more() const { return open_files_ < kMaxOpenFiles; }

  std::size_t size() const { return modules_.size(); }
  const std::string& path(std::uint32_t module) const { return modules_[module].path; }

  // What the file says, as somebody hears it who trusts it (run_trial): it is read by this very process.
  struct Hearer {
    std::function<void(const std::string& id)> build_id;
    // Of the place by its index: its address in the file's own terms, and "" or the function's name.
    std::function<void(std::size_t place, std::uint64_t address, std::string_view function)> place;
    // Where its debug information says it, at last: as CodeLines::at().
    std::function<void(std::size_t place, const std::vector<CodeLine>& lines)> lines;
  };
  void read(std::uint32_t module, std::span<const FilePlace> places, const Hearer& hearer) const;

  // How frames are left at these bytes of the file, in their order, as its unwind tables say. As read():
  // in a process of its own.
  void read_rules(std::uint32_t module, std::span<const std::uint64_t> offsets,
                  const std::function<void(const UnwindRule& rule)>& hearer) const;

 private:
  static constexpr std::size_t kMaxOpenFiles = 256;
  static constexpr std::size_t kMaxModules = 16'384;
  struct Module {
    std::string path;
    std::shared_ptr<OpenedFile> file;
    std::shared_ptr<UniqueFd> root;
  };

  static std::unique_ptr<ElfFile> open_elf(const Module& module);
  static SymbolTable functions_of(const ElfFile& elf, const ElfFile* debug);
  std::unique_ptr<ElfFile> find_debug_file(const Module& module, const ElfFile& elf) const;

  std::filesystem::path host_root_;
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<Module> modules_;
  std::size_t open_files_ = 0;
};

}  // namespace memspike::symbols
