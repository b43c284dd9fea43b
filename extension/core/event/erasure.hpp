// Erasing of personal data from stored events: which properties go, and what stands in the place of an event's id.
//
// An erased id is `erased-` and the hexadecimal digits of the event's identity (event_check.hpp), a hash of what it was. So
// the event goes on holding its identity: the original sent again is a duplicate still. No event is accepted with an id of
// this form.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/hash128.hpp"
#include "core/base/text_arena.hpp"
#include "core/event/event_document.hpp"
#include "core/event/stored_event.hpp"

namespace tally {

std::string erased_event_id(const Hash128& identity);

// The identity that an erased id tells; nothing for any other id.
std::optional<Hash128> erased_identity(std::string_view event_id);

// The identity of a stored event, whether its id was erased or not. `scratch` is working memory.
Hash128 stored_identity(std::int32_t tenant_id, std::string_view customer_id, std::string_view source,
                        std::string_view event_id, FieldBytes& scratch);

// Which properties are erased: those that are named, or all but those that are named.
class Erasure {
public:
    Erasure(std::vector<std::string> names, bool all_but_these);

    bool erases(std::string_view property) const;
    bool erases_any(std::span<const Property> properties) const;
    // The properties that stay, in their order; the array lies in `arena`.
    std::span<const Property> rest(std::span<const Property> properties, TextArena& arena) const;

private:
    std::vector<std::string> names_;  // sorted
    bool all_but_these_;
};

}  // namespace tally
