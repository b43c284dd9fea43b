// What was done to events after they came, for a page of a list: looked up for all of them at once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/usage/event_search.hpp"

namespace tally {

class EventHistories {
public:
    // `cut`: the id of one, whose acts alone are told. The caller's right to the tenant has been checked.
    EventHistories(std::int32_t tenant, std::span<const FoundEvent> events, const std::optional<std::string>& cut);

    // A JSON array of what was done to the event at a place, and to rows of it that were amended before, in order; empty:
    // nothing.
    std::string of(std::size_t place) const;

private:
    struct Act {
        std::int64_t seq;  // of the row that it was done to
        std::string json;
    };

    void look_up(std::int32_t tenant, const std::optional<std::string>& cut);

    std::span<const FoundEvent> events_;
    std::vector<Hash128> identities_;  // of the events, where any may have been corrected
    std::map<Hash128, std::vector<Act>> acts_;
};

}  // namespace tally
