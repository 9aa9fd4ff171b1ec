/* The C functions of `memspike-workload stacks`: each writes to every page of the memory. */
#ifndef MEMSPIKE_WORKLOAD_STACKS_C_H
#define MEMSPIKE_WORKLOAD_STACKS_C_H

#ifdef __cplusplus
extern "C" {
#endif

void c_spike(volatile char* data, unsigned long size_bytes, unsigned long step_bytes);
void nofp_spike(volatile char* data, unsigned long size_bytes, unsigned long step_bytes);
/* By memset, in pieces of some pages, from two functions. Says how much each of them filled. */
void mixed_spike(volatile char* data, unsigned long size_bytes, unsigned long* heavy_bytes,
                 unsigned long* light_bytes);

#ifdef __cplusplus
}
#endif

#endif
