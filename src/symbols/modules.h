// Files that code was mapped from, kept open: when their process is dead nobody can say any more
// which file it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "symbols/elf_file.h"
#include "symbols/proc_text.h"
#include "symbols/symbol_table.h"

namespace memspike::symbols {

// A place in a file.
struct CodePlace {
  std::uint64_t address = 0;            // in the file's own terms; its offset where that is no ELF file
  std::optional<std::string> function;  // as in its symbol table
};

class Modules {
 public:
  // host_root: where the node's debug files are looked for, behind the container's own.
  explicit Modules(std::filesystem::path host_root) : host_root_(std::move(host_root)) {}

  // The number of the file that was mapped; nullopt: not seen yet.
  std::optional<std::uint32_t> find(const Mapping& mapping) const;
  // A file seen for the first time. `root`: the directory that its process has as root, or nullptr.
  std::uint32_t add(const Mapping& mapping, UniqueFd file, std::shared_ptr<UniqueFd> root);
  bool may_open_more() const { return open_files_ < kMaxOpenFiles; }

  std::size_t size() const { return modules_.size(); }
  const std::string& path(std::uint32_t module) const { return modules_[module].path; }
  std::string build_id(std::uint32_t module);

  // Reads the file's symbols when it is first asked. `is_return`: the address is the one behind a call.
  CodePlace locate(std::uint32_t module, std::uint64_t file_offset, bool is_return);

 private:
  static constexpr std::size_t kMaxOpenFiles = 256;
  struct Module {
    std::string path;
    UniqueFd file;
    std::shared_ptr<UniqueFd> root;
    std::unique_ptr<ElfFile> elf;
    SymbolTable functions;
    bool is_read = false;
  };

  Module& read(std::uint32_t module);
  std::unique_ptr<ElfFile> find_debug_file(const Module& module) const;

  std::filesystem::path host_root_;
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<Module> modules_;
  std::size_t open_files_ = 0;
};

}  // namespace memspike::symbols
