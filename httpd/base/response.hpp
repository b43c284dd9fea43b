// Response: one HTTP response in the making, free of any HTTP library.
// Invariant: body is complete, or the beginning of what its handler goes on giving; JSON unless content_type says
// otherwise, and empty where there is none (204, 304).
#pragma once

#include <span>
#include <string>

namespace tallyd {

inline constexpr const char* kJson = "application/json";
inline constexpr const char* kPrometheus = "text/plain; version=0.0.4";

// What a limit leaves, of requests per second or of events per month; limit < 0: there is none.
struct RateState {
    long limit = -1;
    long remaining = 0;
    int reset = 0;  // seconds until all of it is there again
};

// A header that only some answers have; of static storage.
struct HeaderField {
    const char* name;
    const char* value;
};

struct Response {
    unsigned status = 500;
    std::string body;
    const char* content_type = kJson;  // nullptr: there is no body
    int retry_after = 0;               // seconds; 0: no Retry-After header
    std::string allow;                 // empty: no Allow header
    bool challenge = false;            // WWW-Authenticate: Bearer, Basic
    bool preflight = false;            // what another origin may send: the methods of allow
    const char* cache_control = "no-store";
    const char* accept_encoding = nullptr;  // of bodies of requests; nullptr: no Accept-Encoding header
    const char* etag = nullptr;             // nullptr: no ETag header
    std::string replica_lag;                // seconds, or "unknown"; empty: no X-Replica-Lag header
    std::string as_of;                      // id of a cut; empty: no X-As-Of header
    RateState rate;
    std::span<const HeaderField> fields;
    bool streamed = false;  // more comes after the body: Handler::more()
};

}  // namespace tallyd
