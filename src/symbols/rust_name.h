// Rust's own names: those of the v0 mangling (_R…), and what the older one leaves in C++'s clothes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace memspike::symbols {

// Of "_RNvCs…5spike4main": "spike::main". nullopt: it is none, or too long. Bounded in time and length,
// whatever it says.
std::optional<std::string> demangle_rust(std::string_view mangled);

// Of "core::ptr::drop_in_place$LT$alloc..string..String$GT$::h0123456789abcdef", which C++'s demangler makes
// of older Rust's names: "core::ptr::drop_in_place<alloc::string::String>". nullopt: it is not one.
std::optional<std::string> tidy_legacy_rust(std::string_view demangled);

}  // namespace memspike::symbols
