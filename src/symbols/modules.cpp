#include "symbols/modules.h"

#include <fmt/core.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <utility>

#include "symbols/files_of_root.h"
#include "symbols/go_table.h"
#include "symbols/mini_symbols.h"
#include "symbols/symbol_table.h"
#include "symbols/unwind_tables.h"

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

// Whether Go's own table knows the address.
bool tell_go(const GoTable& go, std::uint64_t inside, std::size_t number, std::uint64_t address,
             const Modules::Hearer& hearer) {
  const GoTable::Place place = go.at(inside).value_or(GoTable::Place{});
  if (place.function.empty()) return false;
  hearer.place(number, address, place.function);
  if (place.line != 0)
    hearer.lines(number, {{std::string(place.function), std::string(place.file), place.line}});
  return true;
}

}  // namespace

std::optional<std::uint32_t> Modules::find(const Mapping& mapping) const {
  const auto known = numbers_.find(key_of(mapping));
  return known == numbers_.end() ? std::nullopt : std::optional(known->second);
}

std::optional<std::uint32_t> Modules::add(const Mapping& mapping, std::shared_ptr<OpenedFile> file,
                                          std::shared_ptr<UniqueFd> root) {
  if (modules_.size() >= kMaxModules) return std::nullopt;
  const auto number = static_cast<std::uint32_t>(modules_.size());
  numbers_[key_of(mapping)] = number;
  if (file != nullptr) ++open_files_;
  modules_.push_back({mapping.path, std::move(file), std::move(root)});
  return number;
}

// The symbols that a distribution took out of its file: by build id, else by .gnu_debuglink; first in
// the container's root, then on the node.
std::unique_ptr<ElfFile> Modules::find_debug_file(const Module& module, const ElfFile& elf) const {
  const std::string& id = elf.build_id();
  const auto& link = elf.debug_link();
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

std::unique_ptr<ElfFile> Modules::open_elf(const Module& module) {
  const int fd = module.file == nullptr ? -1 : dup(module.file->fd());
  return module.path == "[vdso]" ? own_vdso() : ElfFile::open(UniqueFd(fd));
}

void Modules::read_rules(std::uint32_t number, std::span<const std::uint64_t> offsets,
                         const std::function<void(const UnwindRule& rule)>& hearer) const {
  const auto elf = open_elf(modules_[number]);
  if (elf == nullptr) return;
  UnwindTables tables(*elf);
  for (const std::uint64_t offset : offsets) {
    const auto address = elf->address_of(offset);
    hearer(address ? tables.at(*address) : UnwindRule());
  }
}

// `debug`: what a distribution took out of the file, or nullptr.
SymbolTable Modules::functions_of(const ElfFile& elf, const ElfFile* debug) {
  SymbolTable functions;
  (debug != nullptr ? *debug : elf).read_functions(functions);
  if (debug == nullptr && !elf.has_full_symbols()) {
    const auto mini = MiniSymbols::find(elf);
    if (mini->elf != nullptr) mini->elf->read_functions(functions);
  }
  functions.seal();
  return functions;
}

void Modules::read(std::uint32_t number, std::span<const FilePlace> places, const Hearer& hearer) const {
  const Module& module = modules_[number];
  const auto elf = open_elf(module);
  if (elf == nullptr) return;
  hearer.build_id(elf->build_id());
  std::vector<std::optional<std::uint64_t>> addresses;
  for (const FilePlace& place : places) addresses.push_back(elf->address_of(place.offset));
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (addresses[i]) hearer.place(i, *addresses[i], "");  // known whatever comes of the symbols
  }
  const auto debug = elf->has_full_symbols() ? nullptr : find_debug_file(module, *elf);
  const ElfFile& full = debug != nullptr ? *debug : *elf;
  const SymbolTable functions = functions_of(*elf, debug.get());
  const auto go = GoTable::find(*elf);
  // The address behind a call may belong to the next function, when the call never returns.
  const auto inside = [&](std::size_t i) {
    return *addresses[i] - (places[i].is_return && *addresses[i] > 0 ? 1 : 0);
  };
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!addresses[i] || (go && tell_go(*go, inside(i), i, *addresses[i], hearer))) continue;
    if (const auto name = functions.find(inside(i))) hearer.place(i, *addresses[i], *name);
  }
  if (go) return;
  const CodeLines lines(full);
  for (std::size_t i = 0; i < places.size() && lines.any(); ++i) {
    if (!addresses[i]) continue;
    const auto found = lines.at(inside(i));
    if (!found.empty()) hearer.lines(i, found);
  }
}

}  // namespace memspike::symbols
