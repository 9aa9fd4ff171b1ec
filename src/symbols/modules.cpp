#include "symbols/modules.h"

#include <fmt/core.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <utility>

#include "symbols/files_of_root.h"

namespace memspike::symbols {
namespace {

constexpr const char* kDebugDir = "/usr/lib/debug";

std::string key_of(const Mapping& mapping) {
  return fmt::format("{} {} {}", mapping.device, mapping.inode, mapping.path);
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Of this process, which has the same one: 64-bit programs of one kernel share it.
std::unique_ptr<ElfFile> own_vdso() {
  const auto address = getauxval(AT_SYSINFO_EHDR);
  if (address == 0) return nullptr;
  const auto size = 2 * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  // The kernel maps it for good, at an address that is only known as a number.
  auto* image = reinterpret_cast<char*>(address);  // NOLINT(performance-no-int-to-ptr)
  return ElfFile::of_memory(image, size);
}

}  // namespace

std::optional<std::uint32_t> Modules::find(const Mapping& mapping) const {
  const auto known = numbers_.find(key_of(mapping));
  return known == numbers_.end() ? std::nullopt : std::optional(known->second);
}

std::uint32_t Modules::add(const Mapping& mapping, UniqueFd file, std::shared_ptr<UniqueFd> root) {
  const auto number = static_cast<std::uint32_t>(modules_.size());
  numbers_[key_of(mapping)] = number;
  if (file) ++open_files_;
  Module module;
  module.path = mapping.path;
  module.file = std::move(file);
  module.root = std::move(root);
  modules_.push_back(std::move(module));
  return number;
}

Modules::Module& Modules::read(std::uint32_t number) {
  Module& module = modules_[number];
  if (std::exchange(module.is_read, true)) return module;
  module.elf = module.path == "[vdso]" ? own_vdso() : ElfFile::open(std::move(module.file));
  if (module.elf == nullptr) return module;
  const auto debug = module.elf->has_full_symbols() ? nullptr : find_debug_file(module);
  (debug != nullptr ? *debug : *module.elf).read_functions(module.functions);
  module.functions.seal();
  return module;
}

// The symbols that a distribution took out of its file: by build id, else by .gnu_debuglink; first in
// the container's root, then on the node.
std::unique_ptr<ElfFile> Modules::find_debug_file(const Module& module) const {
  const std::string& id = module.elf->build_id();
  const auto& link = module.elf->debug_link();
  std::vector<std::string> paths;
  if (id.size() > 2) {
    paths.push_back(fmt::format("{}/.build-id/{}/{}.debug", kDebugDir, id.substr(0, 2), id.substr(2)));
  }
  if (link) {
    const std::string dir = directory_of(module.path);
    paths.push_back(fmt::format("{}/{}", dir, link->name));
    paths.push_back(fmt::format("{}/.debug/{}", dir, link->name));
    paths.push_back(fmt::format("{}{}/{}", kDebugDir, dir, link->name));
  }
  const auto fits = [&](const ElfFile& debug, int fd) {
    if (!debug.has_full_symbols()) return false;
    if (!id.empty()) return debug.build_id() == id;
    return link && crc_of(fd) == link->crc;
  };
  for (const std::string& path : paths) {
    for (const bool on_node : {false, true}) {
      UniqueFd file = on_node ? open_regular(host_root_ / path.substr(1))
                              : open_in_root(module.root ? module.root->get() : -1, path);
      const int fd = file.get();
      auto debug = ElfFile::open(std::move(file));
      if (debug != nullptr && fits(*debug, fd)) return debug;
    }
  }
  return nullptr;
}

std::string Modules::build_id(std::uint32_t number) {
  const Module& module = read(number);
  return module.elf == nullptr ? "" : module.elf->build_id();
}

CodePlace Modules::locate(std::uint32_t number, std::uint64_t file_offset, bool is_return) {
  const Module& module = read(number);
  if (module.elf == nullptr) return {file_offset, std::nullopt};
  const auto address = module.elf->address_of(file_offset);
  if (!address) return {file_offset, std::nullopt};
  // The address behind a call may belong to the next function, when the call never returns.
  const auto name = module.functions.find(*address - (is_return && *address > 0 ? 1 : 0));
  return {*address, name ? std::optional<std::string>(*name) : std::nullopt};
}

}  // namespace memspike::symbols
