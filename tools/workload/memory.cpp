#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "output.h"

namespace memspike::workload {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// A kernel without transparent huge pages refuses the advice with EINVAL, and then there is nothing to
// advise.
void advise_huge_pages(std::byte* data, std::size_t size_bytes, bool wanted) {
  if (::madvise(data, size_bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) != 0 && errno != EINVAL) {
    die("madvise on huge pages");
  }
}

std::byte* map_pages(std::size_t size_bytes, int sharing) {
  void* address = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) die("mmap");
  return static_cast<std::byte*>(address);
}

std::byte* align_up(std::byte* address, std::size_t alignment) {
  const auto misaligned = reinterpret_cast<std::uintptr_t>(address) % alignment;
  return misaligned == 0 ? address : address + (alignment - misaligned);
}

}  // namespace

std::size_t page_size_bytes() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

Mapping::Mapping(std::size_t size_bytes, Kind kind) : size_bytes_(size_bytes) {
  const bool huge = kind == Kind::anon_huge;
  mapped_bytes_ = size_bytes + (huge ? kHugePageBytes : 0);
  mapped_ = map_pages(mapped_bytes_, kind == Kind::shared ? MAP_SHARED : MAP_PRIVATE);
  data_ = huge ? align_up(mapped_, kHugePageBytes) : mapped_;
  advise_huge_pages(data_, size_bytes_, huge);
}

Mapping::~Mapping() { ::munmap(mapped_, mapped_bytes_); }

void Mapping::touch(std::size_t offset_bytes, std::size_t length_bytes) const {
  touch_pages(data_ + offset_bytes, length_bytes);
}

void Mapping::release(std::size_t offset_bytes, std::size_t length_bytes) const {
  check(::madvise(data_ + offset_bytes, length_bytes, MADV_DONTNEED), "madvise(MADV_DONTNEED)");
}

void Mapping::offer() const { check(::madvise(data_, size_bytes_, MADV_FREE), "madvise(MADV_FREE)"); }

void touch_pages(std::byte* data, std::size_t length_bytes) {
  const std::size_t step_bytes = page_size_bytes();
  for (std::size_t offset = 0; offset < length_bytes; offset += step_bytes) {
    *static_cast<volatile std::byte*>(data + offset) = std::byte{1};
  }
}

std::uint64_t huge_bytes() {
  std::FILE* file = std::fopen("/proc/self/smaps_rollup", "re");
  if (file == nullptr) return 0;
  char line[128];
  unsigned long long kib = 0;
  while (std::fgets(line, sizeof line, file) != nullptr &&
         std::sscanf(line, "AnonHugePages: %llu kB", &kib) != 1) {
  }
  std::fclose(file);
  return kib * 1024;
}

}  // namespace memspike::workload
