// JSON for the refusals that libmicrohttpd makes by itself (malformed request lines, headers beyond its memory, broken
// chunks, unknown protocol versions): it sends an HTML page and offers no option to change that. But it queues the
// page through its own public function MHD_queue_response, and as in every ELF program a definition in the executable
// comes before the one in the shared library. Ours passes our own responses on and replaces the library's pages.
// Should a later library bind that call internally, its HTML pages are back and nothing else changes; the HTTP tests
// would tell.
#include <dlfcn.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "http/request.hpp"
#include "http/request_id.hpp"
#include "http/server.hpp"
#include "http/wire.hpp"

namespace tallyd {

namespace {

using Queue = MHD_Result (*)(MHD_Connection*, unsigned, MHD_Response*);

Queue library_queue() noexcept {
    static const Queue function = reinterpret_cast<Queue>(dlsym(RTLD_NEXT, "MHD_queue_response"));
    return function;
}

thread_local bool ours = false;

MHD_Result replace(MHD_Connection* connection, unsigned status) {
    const std::string reason = reason_of_last_complaint(status);
    const MHD_ConnectionInfo* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    Connection* from = info ? static_cast<Connection*>(info->socket_context) : nullptr;
    if (from && from->request) return from->request->refuse_by_library(status, reason);
    if (from) from->linger = true;
    const std::string id = new_request_id();
    log::write(log::Level::info, "request_refused",
               log::field("request_id", id) + log::field("reason", reason) + ",\"status\":" + std::to_string(status));
    return send_response(connection, refuse(status, reason), id, true);
}

}  // namespace

MHD_Result queue_own_response(MHD_Connection* connection, unsigned status, MHD_Response* response) {
    ours = true;
    const MHD_Result result = library_queue()(connection, status, response);
    ours = false;
    return result;
}

}  // namespace tallyd

extern "C" __attribute__((visibility("default"))) MHD_Result MHD_queue_response(MHD_Connection* connection, unsigned status,
                                                                                MHD_Response* response) {
    if (tallyd::ours) return tallyd::library_queue()(connection, status, response);
    try {
        return tallyd::replace(connection, status);
    } catch (const std::exception&) {
        return tallyd::library_queue()(connection, status, response);
    }
}
