// What a fuzz target demands beyond not crashing.
#pragma once

#include <cstdio>
#include <cstdlib>

// Not assert(): NDEBUG must not switch it off.
#define FUZZ_REQUIRE(condition)                                                          \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: FUZZ_REQUIRE(%s)\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
