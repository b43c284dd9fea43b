// An event as the JSON of a REST answer, many of one tenant: what they share is read once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/usage/event_search.hpp"

namespace tally {

struct AsOf;  // pg/usage/as_of.hpp

// The caller's right to the tenant has been checked. Everything calls PostgreSQL; close() where all went well.
class EventJson {
public:
    // As known at a cut, which outlives it; nullptr: now.
    EventJson(std::int32_t tenant, const AsOf* cut);
    ~EventJson();
    EventJson(const EventJson&) = delete;
    EventJson& operator=(const EventJson&) = delete;

    // `history`: a JSON array of what was done to it, or empty.
    void append(std::string& json, const FoundEvent& event, const std::string& history);
    void close();

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace tally
