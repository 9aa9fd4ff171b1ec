/* The same without frame pointers, for `memspike-workload stacks nofp` and `mixed`. */
#include <string.h>
#include <time.h>
#include <unistd.h>

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

NOINLINE static void mixed_heavy(volatile char* data, unsigned long size_bytes, unsigned long* filled_bytes) {
  memset((char*)data, 1, size_bytes);
  *filled_bytes += size_bytes;
  __asm__ volatile("" ::: "memory");
}

NOINLINE static void mixed_light(volatile char* data, unsigned long size_bytes, unsigned long* filled_bytes) {
  memset((char*)data, 2, size_bytes);
  *filled_bytes += size_bytes;
  __asm__ volatile("" ::: "memory");
}

NOINLINE void mixed_spike(volatile char* data, unsigned long size_bytes, unsigned long* heavy_bytes,
                          unsigned long* light_bytes) {
  const unsigned long page_bytes = (unsigned long)sysconf(_SC_PAGESIZE);
  const struct timespec pause = {0, 2000000};
  unsigned long next_pause = 1UL << 20;
  unsigned long long state = 88172645463325252ULL; /* xorshift: no pattern that a sampler may fall in with */
  for (unsigned long done = 0; done < size_bytes;) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    unsigned long piece = page_bytes * (1 + state % 8);
    if (piece > size_bytes - done) piece = size_bytes - done;
    if ((state >> 20) % 10 < 7) {
      mixed_heavy(data + done, piece, heavy_bytes);
    } else {
      mixed_light(data + done, piece, light_bytes);
    }
    done += piece;
    if (done < next_pause) continue;
    next_pause += 1UL << 20;
    nanosleep(&pause, NULL); /* so slow that a stack may be taken of each rise: shares as good as they get */
  }
}
