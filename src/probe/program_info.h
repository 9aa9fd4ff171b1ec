// What the kernel knows of each program that was loaded. Private to this room.
#pragma once

#include "probe/handles.h"

namespace memspike::probe {

// sink(bpf_program*, const bpf_prog_info&)
template <class Sink>
void each_program_info(const memspike_bpf& skeleton, Sink&& sink) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton.obj) {
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    const int fd = bpf_program__fd(program);
    if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size) == 0) sink(program, info);
  }
}

}  // namespace memspike::probe
