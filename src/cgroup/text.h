// Small string tools that the rest of the room shares.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace memspike::cgroup {

// The non-empty pieces of `text` between separators.
std::vector<std::string_view> split(std::string_view text, char separator);
// They would outlive a text that is nobody's.
template <class Text>
requires std::same_as<Text, std::string> std::vector<std::string_view> split(Text&& text, char separator)
= delete;

bool starts_with(std::string_view text, std::string_view prefix);
bool ends_with(std::string_view text, std::string_view suffix);

// True for at least `min_length` hexadecimal digits and nothing else.
bool is_hex(std::string_view text, std::size_t min_length);

// "/a//b/./c/" and "a/b/c" become "/a/b/c"; "" and "/" become "/".
// ".." is kept as it is: the caller decides.
std::string normal_path(std::string_view path);

// The directory above a normal path; "/" of "/".
std::string parent_path(std::string_view path);

// True when `path` is `ancestor` or lies below it; both normal paths.
bool is_below(std::string_view path, std::string_view ancestor);

// Untrusted text for an error message: one line of printable ASCII, the rest
// as \xNN, cut after `max_length` bytes.
std::string printable(std::string_view text, std::size_t max_length = 128);

// Levenshtein distance of the first 128 bytes of each.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace memspike::cgroup
