// Trials: what only an attempt can tell.
#pragma once

#include <string>

#include "probe/handles.h"

namespace memspike::probe {

// Loads the smallest program there is. False: `error` says why not.
bool try_load(std::string& error);

// Attaches an empty fexit program to a kernel function, and detaches it again.
bool try_fexit(const btf* types, const char* function, std::string& error);

// Makes a kprobe on a kernel function, and removes it again.
bool try_kprobe(const char* function, std::string& error);

}  // namespace memspike::probe
