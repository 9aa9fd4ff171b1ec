/* The C side of `memspike-workload stacks`: a chain of functions whose names a stack must show. */
#include "stacks_c.h"

#define NOINLINE __attribute__((noinline))

NOINLINE static void c_touch(volatile char* data, unsigned long size_bytes, unsigned long step_bytes) {
  for (unsigned long offset = 0; offset < size_bytes; offset += step_bytes) data[offset] = 1;
  /* gcc leaves out the frame of a leaf whatever is asked for, unless somebody wants to see it. */
  __asm__ volatile("" ::"r"(__builtin_frame_address(0)) : "memory");
}

/* Nothing here may become a tail call: a frame would be missing. */
NOINLINE static void c_fill(volatile char* data, unsigned long size_bytes, unsigned long step_bytes) {
  c_touch(data, size_bytes, step_bytes);
  __asm__ volatile("" ::: "memory");
}

NOINLINE void c_spike(volatile char* data, unsigned long size_bytes, unsigned long step_bytes) {
  c_fill(data, size_bytes, step_bytes);
  __asm__ volatile("" ::: "memory");
}
