#include "symbols/elf_file.h"

#include <elfutils/libdwelf.h>
#include <fmt/core.h>
#include <gelf.h>

#include <algorithm>
#include <utility>

namespace memspike::symbols {

struct ElfFile::Handle {
  UniqueFd fd;
  Elf* elf = nullptr;
  ~Handle() { elf_end(elf); }
};

namespace {

constexpr std::size_t kMaxBuildIdBytes = 64;
// Of symbols, and of their names: more than the largest browser's.
constexpr std::uint64_t kMaxSectionBytes = std::uint64_t{192} << 20;

bool ready() {
  static const bool known = elf_version(EV_CURRENT) != EV_NONE;
  return known;
}

std::string hexadecimal(const void* bytes, std::size_t size) {
  const auto* first = static_cast<const unsigned char*>(bytes);
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += fmt::format("{:02x}", first[i]);
  return text;
}

Elf_Scn* find_section(Elf* elf, std::uint32_t type) {
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
       section = elf_nextscn(elf, section)) {
    GElf_Shdr header{};
    if (gelf_getshdr(section, &header) != nullptr && header.sh_type == type) return section;
  }
  return nullptr;
}

Elf_Scn* find_named(Elf* elf, std::string_view name) {
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0) return nullptr;
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
       section = elf_nextscn(elf, section)) {
    GElf_Shdr header{};
    if (gelf_getshdr(section, &header) == nullptr) continue;
    const char* found = elf_strptr(elf, names, header.sh_name);
    if (found != nullptr && name == found) return section;
  }
  return nullptr;
}

bool is_function(const GElf_Sym& symbol) {
  const int type = GELF_ST_TYPE(symbol.st_info);
  return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol.st_shndx != SHN_UNDEF && symbol.st_value != 0;
}

}  // namespace

ElfFile::ElfFile(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {
  read_identity();
  read_segments();
  has_full_symbols_ = find_section(handle_->elf, SHT_SYMTAB) != nullptr;
}
ElfFile::~ElfFile() = default;

std::string_view ElfFile::section(const char* name) const {
  Elf_Scn* section = find_named(handle_->elf, name);
  GElf_Shdr header{};
  if (section == nullptr || gelf_getshdr(section, &header) == nullptr) return {};
  if (header.sh_type == SHT_NOBITS || header.sh_size > kMaxSectionBytes) return {};
  const Elf_Data* data = elf_rawdata(section, nullptr);
  if (data == nullptr || data->d_buf == nullptr) return {};
  return {static_cast<const char*>(data->d_buf), data->d_size};
}

std::uint64_t ElfFile::text_address() const {
  Elf_Scn* section = find_named(handle_->elf, ".text");
  GElf_Shdr header{};
  return section != nullptr && gelf_getshdr(section, &header) != nullptr ? header.sh_addr : 0;
}

Elf* ElfFile::elf() const { return handle_->elf; }

std::unique_ptr<ElfFile> ElfFile::open(UniqueFd fd) {
  if (!fd || !ready()) return nullptr;
  auto handle = std::make_unique<Handle>();
  handle->fd = std::move(fd);
  handle->elf = elf_begin(handle->fd.get(), ELF_C_READ, nullptr);
  if (handle->elf == nullptr || elf_kind(handle->elf) != ELF_K_ELF) return nullptr;
  return std::unique_ptr<ElfFile>(new ElfFile(std::move(handle)));
}

std::unique_ptr<ElfFile> ElfFile::of_memory(char* image, std::size_t size_bytes) {
  if (!ready()) return nullptr;
  auto handle = std::make_unique<Handle>();
  handle->elf = elf_memory(image, size_bytes);
  if (handle->elf == nullptr || elf_kind(handle->elf) != ELF_K_ELF) return nullptr;
  return std::unique_ptr<ElfFile>(new ElfFile(std::move(handle)));
}

void ElfFile::read_identity() {
  const void* id = nullptr;
  const ssize_t size = dwelf_elf_gnu_build_id(handle_->elf, &id);
  if (size > 0 && static_cast<std::size_t>(size) <= kMaxBuildIdBytes) {
    build_id_ = hexadecimal(id, static_cast<std::size_t>(size));
  }
  GElf_Word crc = 0;
  const char* name = dwelf_elf_gnu_debuglink(handle_->elf, &crc);
  // A name, not a path: it must not lead elsewhere.
  if (name != nullptr && *name != '\0' && std::string_view(name).find('/') == std::string_view::npos) {
    debug_link_ = DebugLink{name, crc};
  }
}

void ElfFile::read_segments() {
  std::size_t count = 0;
  if (elf_getphdrnum(handle_->elf, &count) != 0) return;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 65'535); ++i) {
    GElf_Phdr header{};
    if (gelf_getphdr(handle_->elf, static_cast<int>(i), &header) == nullptr) return;
    if (header.p_type != PT_LOAD || (header.p_flags & PF_X) == 0) continue;
    segments_.push_back({header.p_offset, header.p_filesz, header.p_vaddr});
  }
}

std::optional<std::uint64_t> ElfFile::address_of(std::uint64_t file_offset) const {
  for (const Segment& segment : segments_) {
    if (file_offset < segment.file_offset || file_offset - segment.file_offset >= segment.size) continue;
    return file_offset - segment.file_offset + segment.address;
  }
  return std::nullopt;
}

void ElfFile::read_functions(SymbolTable& table) const {
  Elf_Scn* section = find_section(handle_->elf, SHT_SYMTAB);
  if (section == nullptr) section = find_section(handle_->elf, SHT_DYNSYM);
  GElf_Shdr header{};
  if (section == nullptr || gelf_getshdr(section, &header) == nullptr || header.sh_entsize == 0) return;
  GElf_Shdr names{};
  Elf_Scn* names_section = elf_getscn(handle_->elf, header.sh_link);
  if (names_section == nullptr || gelf_getshdr(names_section, &names) == nullptr) return;
  if (header.sh_size > kMaxSectionBytes || names.sh_size > kMaxSectionBytes) return;
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr) return;
  const std::uint64_t count = data->d_size / header.sh_entsize;
  // A function may have several names: that which people call it by comes last, and wins.
  for (const bool with_underscore : {true, false}) {
    for (std::uint64_t i = 0; i < count; ++i) {
      GElf_Sym symbol{};
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr || !is_function(symbol)) continue;
      const char* name = elf_strptr(handle_->elf, header.sh_link, symbol.st_name);
      if (name != nullptr && (*name == '_') == with_underscore)
        table.add(symbol.st_value, symbol.st_size, name);
    }
  }
}

}  // namespace memspike::symbols
