// Trials: what only an attempt can tell.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "probe/handles.h"

namespace memspike::probe {

// Loads the smallest program there is. 0, or the errno that says why not.
int try_load();

// Attaches an empty fexit program to a kernel function, and detaches it again.
bool try_fexit(const btf* types, const char* function, std::string& error);

// Makes a kprobe on a kernel function, and removes it again.
bool try_kprobe(const char* function, std::string& error);

// Whether this kernel counts the memory of BPF programs and maps as locked by the user who makes them (before
// 5.11), and this process, which has the right to make them, may lock less than memspike takes. By the
// function that counts: where others of the same user have used the limit up, not even the smallest map can
// be made.
std::optional<Error> too_little_locked_memory(const btf* types);

}  // namespace memspike::probe
