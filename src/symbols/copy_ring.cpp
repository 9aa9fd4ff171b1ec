#include "symbols/copy_ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace memspike::symbols {
namespace {

std::size_t page_bytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

CopyRing::~CopyRing() {
  if (consumed_ != nullptr) munmap(consumed_, page_bytes());
  if (produced_ != nullptr) munmap(const_cast<std::byte*>(produced_), page_bytes() + 2 * bytes_);
}

bool CopyRing::map(UniqueFd file, std::size_t bytes) {
  const std::size_t page = page_bytes();
  if (!file || consumed_ != nullptr) return false;
  void* consumed = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (consumed == MAP_FAILED) return false;
  void* produced =
      mmap(nullptr, page + 2 * bytes, PROT_READ, MAP_SHARED, file.get(), static_cast<off_t>(page));
  if (produced == MAP_FAILED) {
    munmap(consumed, page);
    return false;
  }
  file_ = std::move(file);
  bytes_ = bytes;
  consumed_ = static_cast<std::uint64_t*>(consumed);
  produced_ = static_cast<const std::byte*>(produced);
  return true;
}

std::size_t CopyRing::take(std::size_t most,
                           const std::function<void(std::span<const std::byte> record)>& sink) {
  if (consumed_ == nullptr) return 0;
  const std::byte* data = produced_ + page_bytes();
  const auto* produced = reinterpret_cast<const std::uint64_t*>(produced_);
  std::uint64_t at = __atomic_load_n(consumed_, __ATOMIC_ACQUIRE);
  std::size_t count = 0;
  while (count < most && at < __atomic_load_n(produced, __ATOMIC_ACQUIRE)) {
    const std::byte* record = data + (at & (bytes_ - 1));
    const std::uint32_t length =
        __atomic_load_n(reinterpret_cast<const std::uint32_t*>(record), __ATOMIC_ACQUIRE);
    if ((length & BPF_RINGBUF_BUSY_BIT) != 0) break;
    const std::size_t size = length & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
    if ((length & BPF_RINGBUF_DISCARD_BIT) == 0) sink({record + BPF_RINGBUF_HDR_SZ, size});
    constexpr std::uint64_t kAlign = 8;
    at += (size + BPF_RINGBUF_HDR_SZ + kAlign - 1) / kAlign * kAlign;
    __atomic_store_n(consumed_, at, __ATOMIC_RELEASE);
    ++count;
  }
  return count;
}

}  // namespace memspike::symbols
