#include "views/kit/way_in.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace memspike::views {
namespace {

// How much a function tells. Of the most telling ones in a stack, the innermost says what it was.
enum class Tells : std::uint8_t { most, some, little };

struct Way {
  std::string_view function;  // or what its name begins with, if it ends in '*'
  std::string_view name;
  Tells tells = Tells::most;
};

// The kernel's own names, of Linux 5.10 to 7.x.
constexpr std::array kWays{
    Way{"do_huge_pmd_anonymous_page", "huge page"},
    Way{"__do_huge_pmd_anonymous_page", "huge page"},
    Way{"vma_alloc_anon_folio_pmd", "huge page"},
    Way{"collapse_huge_page", "huge page"},
    Way{"do_huge_pmd_wp_page", "huge page"},
    Way{"hugetlb_fault", "hugetlb page"},
    Way{"pte_alloc_one", "page table"},
    Way{"__pte_alloc", "page table"},
    Way{"__pmd_alloc", "page table"},
    Way{"__pud_alloc", "page table"},
    Way{"__p4d_alloc", "page table"},
    Way{"pgd_alloc", "page table"},
    Way{"shmem_write_begin", "tmpfs write"},
    Way{"shmem_file_write_iter", "tmpfs write"},
    Way{"shmem_fallocate", "tmpfs allocation"},
    Way{"shmem_fault", "shared memory fault"},
    Way{"do_swap_page", "swap in"},
    Way{"do_wp_page", "copy on write"},
    Way{"wp_page_copy", "copy on write"},
    Way{"do_cow_fault", "copy on write"},
    Way{"filemap_fault", "mapped file fault"},
    Way{"copy_process", "fork"},
    Way{"kernel_clone", "fork"},
    Way{"bprm_execve", "exec"},
    Way{"do_execveat_common*", "exec"},
    Way{"pipe_write", "pipe"},
    Way{"anon_pipe_write", "pipe"},
    Way{"alloc_pipe_info", "pipe"},
    Way{"splice_*", "splice"},
    Way{"sk_page_frag_refill", "socket"},
    Way{"skb_page_frag_refill", "socket"},
    Way{"alloc_skb_with_frags", "socket"},
    Way{"__alloc_skb", "socket"},
    Way{"sock_sendmsg", "socket", Tells::some},
    Way{"__sock_sendmsg", "socket", Tells::some},
    Way{"sock_write_iter", "socket", Tells::some},
    Way{"__sys_socket*", "socket", Tells::some},
    Way{"sock_alloc_inode", "socket"},
    Way{"generic_perform_write", "file write"},
    Way{"iomap_file_buffered_write", "file write"},
    Way{"iomap_write_iter", "file write"},
    Way{"filemap_read", "file read"},
    Way{"page_cache_ra_unbounded", "file read"},
    Way{"page_cache_ra_order", "file read"},
    Way{"do_page_cache_ra", "file read"},
    Way{"filemap_get_pages", "file read"},
    Way{"force_page_cache_ra", "file read"},
    Way{"iterate_dir", "directory read", Tells::some},
    Way{"do_sys_openat2", "open", Tells::some},
    Way{"exc_page_fault", "page fault", Tells::some},
    Way{"do_user_addr_fault", "page fault", Tells::some},
    Way{"do_page_fault", "page fault", Tells::some},
    Way{"populate_vma_page_range", "mlock or MAP_POPULATE", Tells::some},
    Way{"__vmalloc_node_range*", "vmalloc", Tells::some},
    Way{"handle_mm_fault", "page fault", Tells::little},
    Way{"kmem_cache_alloc*", "slab", Tells::little},
    Way{"__kmalloc*", "slab", Tells::little},
    Way{"kmalloc*", "slab", Tells::little},
    Way{"allocate_slab", "slab", Tells::little},
    Way{"___slab_alloc", "slab", Tells::little},
};

bool is_function(const Way& way, std::string_view function) {
  if (way.function.ends_with('*'))
    return function.starts_with(way.function.substr(0, way.function.size() - 1));
  // The compiler's own copies of a function have a suffix: "copy_process.isra.0".
  return function.starts_with(way.function) &&
         (function.size() == way.function.size() || function[way.function.size()] == '.');
}

const Way* find_way(std::string_view function, Tells tells) {
  for (const Way& way : kWays) {
    if (way.tells == tells && is_function(way, function)) return &way;
  }
  return nullptr;
}

// "__x64_sys_mmap" is "mmap".
std::string_view system_call(std::string_view function) {
  for (const std::string_view prefix : {"__x64_sys_", "__arm64_sys_", "__se_sys_", "__do_sys_"}) {
    if (function.starts_with(prefix)) return function.substr(prefix.size());
  }
  return {};
}

}  // namespace

std::string way_in(const facts::Stack& stack, const report::Stacks& stacks) {
  for (const Tells tells : {Tells::most, Tells::some, Tells::little}) {
    for (const std::uint32_t frame : stack.kernel) {
      if (const Way* way = find_way(stacks.frames[frame].function, tells)) return std::string(way->name);
    }
  }
  for (const std::uint32_t frame : stack.kernel) {
    const std::string_view call = system_call(stacks.frames[frame].function);
    if (!call.empty()) return "system call " + std::string(call);
  }
  return stack.kernel.empty() ? "" : "kernel";
}

}  // namespace memspike::views
