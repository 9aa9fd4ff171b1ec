/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that do nothing, where memspike's hottest ones are: what a hook costs whatever is
 * behind it. The floor of every comparison.
 */
// bpf_helpers.h wants the types of the other, and includes nothing itself.
// clang-format off
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
// clang-format on

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/mm_page_alloc")
int empty_alloc(void* ctx) { return 0; }

SEC("tp_btf/mm_page_free")
int empty_free(void* ctx) { return 0; }
