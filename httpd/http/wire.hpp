// A Response on the wire: the headers that every response carries, and the body without a copy.
#pragma once

#include <microhttpd.h>

#include <string>

#include "base/response.hpp"
#include "http/connections.hpp"

namespace tallyd {

// Queues a response on a connection. last: no further request on it.
MHD_Result send_response(MHD_Connection* connection, Response response, const std::string& request_id, bool last);

// The same of a response whose body `read` gives while it is sent, in chunks; whoever that is outlives the request.
MHD_Result send_stream(MHD_Connection* connection, const Response& response, const std::string& request_id, bool last,
                       MHD_ContentReaderCallback read, void* from);

// Writes an answer to the client behind libmicrohttpd's back, where the library cannot send one itself and has sent
// nothing of another one. What the socket does not take at once is lost; the connection must end then.
// connection: nullptr when called by another thread than its worker; under TLS nothing is written then, since a
// session is its worker's alone.
void send_directly(MHD_Connection* connection, const Connection& to, const Response& response, const std::string& request_id,
                   bool with_body) noexcept;

// Our own responses pass libmicrohttpd's public function unchanged; those it makes by itself are replaced
// (http/refusal.cpp).
MHD_Result queue_own_response(MHD_Connection* connection, unsigned status, MHD_Response* response);

}  // namespace tallyd
