// Untrusted text made harmless, at the renderer's edge and nowhere else. A
// process may call itself anything: escape sequences, quotes, newlines, HTML,
// text that reads backwards, bytes that are no text at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace memspike::views {

// For a terminal: C0 and C1 controls, DEL, line separators, bidirectional
// controls, zero-width characters and invalid UTF-8 become a visible \xNN a
// byte. With utf8 false every byte outside ASCII does. Backslashes stay as they
// are: systemd writes "\x2d" into unit names, and people paste those paths.
std::string escape_terminal(std::string_view text, bool utf8 = true);

// Cuts text that is already escaped to at most `columns`, the last of them an
// ellipsis ("…", or "..." without UTF-8) where something was cut.
std::string truncate_to_width(std::string_view text, std::size_t columns, bool utf8 = true);

// As truncate_to_width, but cuts in the middle: the ends of a cgroup path tell most.
std::string truncate_middle(std::string_view text, std::size_t columns, bool utf8 = true);

// Appends a JSON string with its quotes. The output is valid UTF-8 whatever the
// input: invalid bytes become U+FFFD; controls (C1 and bidirectional ones, too) \uNNNN.
void append_json_string(std::string& out, std::string_view text);

// One CSV field (RFC 4180): quoted when it holds a comma, a quote or an outer
// space. Controls and invalid UTF-8 become \xNN, so a row is always one line.
std::string escape_csv(std::string_view text);

}  // namespace memspike::views
