// Catch itself and its main, compiled once for the programs of tests that need no other.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
