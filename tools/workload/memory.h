// Memory that is made and touched page by page.
#pragma once

#include <cstddef>
#include <cstdint>

namespace memspike::workload {

std::size_t page_size_bytes();

// A mapping that is unmapped with its owner. Any failure ends the program.
class Mapping {
 public:
  enum class Kind {
    anon,       // private, 4 KiB pages whatever the system's huge page policy
    anon_huge,  // private, aligned for huge pages, which are asked for
    shared,     // shared anonymous: charged as shmem
  };

  Mapping(std::size_t size_bytes, Kind kind);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::byte* data() const { return data_; }
  std::size_t size_bytes() const { return size_bytes_; }

  // Writes one byte into each page of [offset, offset + length): each is faulted in and charged.
  void touch(std::size_t offset_bytes, std::size_t length_bytes) const;
  void touch() const { touch(0, size_bytes_); }

  // Gives the pages of the range back to the kernel, which uncharges them; the mapping stays.
  void release(std::size_t offset_bytes, std::size_t length_bytes) const;
  void release() const { release(0, size_bytes_); }

  // Leaves it to the kernel to take the pages when it needs some: it can without swap.
  void offer() const;

 private:
  std::byte* mapped_ = nullptr;  // what munmap wants: with the slack that alignment needed
  std::size_t mapped_bytes_ = 0;
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

// Writes one byte into each page of a range.
void touch_pages(std::byte* data, std::size_t length_bytes);

// How much of this process is backed by huge pages now. Bytes; 0 where the kernel does not say.
std::uint64_t huge_bytes();

}  // namespace memspike::workload
