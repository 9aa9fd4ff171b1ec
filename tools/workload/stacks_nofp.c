/* The same without frame pointers, for `memspike-workload stacks nofp`: what a stack cannot show. */
#include "stacks_c.h"

#define NOINLINE __attribute__((noinline))

NOINLINE static void nofp_touch(volatile char* data, unsigned long size_bytes, unsigned long step_bytes) {
  for (unsigned long offset = 0; offset < size_bytes; offset += step_bytes) data[offset] = 1;
  __asm__ volatile("" ::: "memory"); /* nothing here may become a tail call */
}

NOINLINE static void nofp_fill(volatile char* data, unsigned long size_bytes, unsigned long step_bytes) {
  nofp_touch(data, size_bytes, step_bytes);
  __asm__ volatile("" ::: "memory");
}

NOINLINE void nofp_spike(volatile char* data, unsigned long size_bytes, unsigned long step_bytes) {
  nofp_fill(data, size_bytes, step_bytes);
  __asm__ volatile("" ::: "memory");
}
