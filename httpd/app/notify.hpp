// systemd's readiness protocol (sd_notify) by hand: one datagram to the socket named by NOTIFY_SOCKET.
#pragma once

namespace tallyd {

// state: "READY=1", "STOPPING=1". Does nothing when no service manager listens.
void notify_service_manager(const char* state) noexcept;

}  // namespace tallyd
