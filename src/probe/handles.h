// Move-only owners of libbpf's handles: what is opened here is closed here.
#pragma once

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <memory>

#include "memspike/abi.h"

// After abi.h: the skeleton uses its types.
#include "memspike.skel.h"

namespace memspike::probe {

struct Close {
  void operator()(btf* handle) const { btf__free(handle); }
  void operator()(bpf_link* handle) const { bpf_link__destroy(handle); }
  void operator()(ring_buffer* handle) const { ring_buffer__free(handle); }
  void operator()(memspike_bpf* handle) const { memspike_bpf__destroy(handle); }
};

template <class Handle>
using Owned = std::unique_ptr<Handle, Close>;

using BtfPtr = Owned<btf>;
using LinkPtr = Owned<bpf_link>;
using RingPtr = Owned<ring_buffer>;
using SkeletonPtr = Owned<memspike_bpf>;

}  // namespace memspike::probe
