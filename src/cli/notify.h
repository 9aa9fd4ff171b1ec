// What a service manager is told (sd_notify(3)). The protocol is one datagram: no reason to link libsystemd,
// of which there is no archive for a program that needs no library.
#pragma once

#include <string_view>

namespace memspike::cli {

// "READY=1", "WATCHDOG=1", … to whoever listens on $NOTIFY_SOCKET. Nobody does, or does not take it: nothing
// happens.
void notify_manager(std::string_view state);

}  // namespace memspike::cli
