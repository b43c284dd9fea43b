// A request's head as a whole: how large it is, what stands in it more than once, whether libmicrohttpd cut it short.
#pragma once

#include <microhttpd.h>

#include <cstddef>

namespace tallyd {

struct Head {
    std::size_t bytes = 0;  // of the header fields
    int count = 0;
    int lengths = 0, authorizations = 0, once_keys = 0;  // Content-Length, Authorization, Idempotency-Key
    int hosts = 0, types = 0, codings = 0;               // Host, Content-Type, Content-Encoding
    int transfers = 0;                                   // Transfer-Encoding
    bool coded = false;                                  // a Content-Encoding that is not identity
    bool cut = false;                                    // a NUL byte, or a field that goes on in a further line
    bool lone_ends = false;                              // a line that ends with CR or LF alone
    bool bad_name = false;                               // a field's name that is no token: a blank before the colon
    bool bad_host = false;
};

// The fields after a chunked body: whether each has a name that is one.
bool has_sound_trailers(MHD_Connection* connection);

// target_end: where the request target ends as the library has it; version: as the access handler gets it.
Head read_head(MHD_Connection* connection, const char* target_end, const char* version);

}  // namespace tallyd
