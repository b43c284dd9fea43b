// What makes a parsed event storable: lengths, time window, distinct property keys; and its two hashes. Used by
// EventDocument, and for the identity of an event that is looked up.
#pragma once

#include <deque>
#include <optional>

#include "core/event/event_document.hpp"

namespace tally {

class NestedValues;

// Sets the first reason and field that make `event` unfit, if it has none yet.
void reject(Event& event, std::string_view field, std::string reason);

// A name that a client made up, as it may be told: at most 64 bytes, cut between characters, U+0000 as a question mark.
std::string shown_name(std::string_view name);

// Checks lengths and characters of the texts and properties of an event whose JSON was well-formed; `properties` are
// the event's own and are sorted in place.
void check_fields(Event& event, std::span<Property> properties, bool id_may_be_empty);

// Sets the event's timestamp to now where it has none, and refuses one outside the window: what lies before the edge that
// tally.retain() has set is gone.
void check_time(Event& event, const DocumentOptions& options, bool allow_backfilling);

// Hash of the length-prefixed fields that make an event itself. `scratch` is working memory.
Hash128 event_identity(std::int32_t tenant_id, std::string_view customer_id, std::string_view source,
                       std::string_view event_id, FieldBytes& scratch);

// Hash of what an event says: its code, its timestamp as it was sent (nothing: none was) and its properties, sorted by key.
// `nested` has read those that are neither strings nor numbers. `scratch` is working memory.
Hash128 event_payload(std::string_view code, std::optional<std::int64_t> timestamp, std::span<const Property> properties,
                      const NestedValues& nested, FieldBytes& scratch);

// Fills code_hash, customer_hash, identity and payload of a good event. `scratch` is working memory that is kept between
// calls.
// Where the event has no id, one is derived from its payload and kept in `derived_ids`.
// `nested` has read the event's properties that are neither strings nor numbers.
void set_hashes(Event& event, std::int32_t tenant_id, FieldBytes& scratch, const NestedValues& nested,
                std::deque<std::string>* derived_ids);

}  // namespace tally
