// The route table, made of the document of the API (openapi/*.yaml) when tallyd is built: what its operations say, and
// x-route in them. A route is a row; tallyd knows nothing of the resources behind it. Order: the first row whose
// pattern fits a path decides; literal segments stand before "{name}" ones.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "db/job.hpp"

namespace tallyd {

enum class RouteKind { call, ingest, import, health, ready, metrics, openapi };
enum class BodyKind { none, json, events, file };

// What makes a request one for the lane of slow reads: a parameter that is given, where another one is not; or "format".
struct SlowClause {
    const char* with = nullptr;  // nullptr: no clause
    const char* without = nullptr;
};
constexpr const char* kOtherFormat = "format";  // than JSON

struct Route {
    const char* method;
    const char* pattern;  // "/api/v1/metrics/{id}"
    RouteKind kind;
    LaneId lane;           // where its statements run; of no matter where it has none
    const char* scope;     // "read", "write", "admin"; nullptr: no key is needed
    const char* function;  // of schema tally_rest; nullptr unless kind is call or import
    unsigned status;       // on success
    BodyKind body;
    bool once = false;              // takes an Idempotency-Key
    const char* columns = nullptr;  // of its rows as CSV; nullptr: there is no CSV of it
    bool lines = false;             // its rows as NDJSON
    unsigned page = 0;              // as either they are asked for so many at a time; 0: all at once
    SlowClause slow_with[4] = {};

    bool has_formats() const noexcept { return columns != nullptr || lines; }  // other than JSON
    bool reads() const noexcept { return method[0] == 'G'; }
    bool takes_query() const noexcept { return kind == RouteKind::call || kind == RouteKind::import; }
    // POST, PUT and PATCH, but a file is no place for a key.
    bool body_may_hold_key() const noexcept { return method[0] == 'P' && body != BodyKind::file; }
};

std::span<const Route> routes() noexcept;
std::size_t index_of(const Route& route) noexcept;
std::vector<RouteLabel> route_labels();  // in the same order

struct Match {
    const Route* route = nullptr;  // nullptr: 404 when allow is empty, else 405
    std::string allow;             // without a route: methods that the path knows
    std::string parameters;        // {"id":"..."}
};

// HEAD is answered by the GET route of the same path.
Match match(std::string_view method, const std::vector<std::string>& segments);

}  // namespace tallyd
