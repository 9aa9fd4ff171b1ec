// Asks a service on its socket.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace memspike::cli {

// The body of the answer to GET `path`. ErrorKind::failed where no service answers; what the service refuses
// is its own error, not_found where it does not have it.
Result<std::string> ask_service(const std::string& socket, const std::string& path);

// For a value in a path's query.
std::string percent_encoded(std::string_view text);

}  // namespace memspike::cli
