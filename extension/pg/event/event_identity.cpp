// SQL face of an event's identity, for looking up one that is stored.
#include "core/event/erasure.hpp"
#include "core/base/hash128.hpp"

#include <cstring>

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

// tally._event_identity(tenant_id integer, customer_id text, source text, event_id text) -> uuid
TALLY_FUNCTION(event_identity) {
    const std::int32_t tenant_id = PG_GETARG_INT32(0);
    const text* customer_id = PG_GETARG_TEXT_PP(1);
    const text* source = PG_GETARG_TEXT_PP(2);
    const text* event_id = PG_GETARG_TEXT_PP(3);
    auto* identity = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    return tally::guarded([&]() -> Datum {
        tally::FieldBytes scratch;
        const tally::Hash128 hash = tally::stored_identity(tenant_id, tally::view_of(customer_id), tally::view_of(source),
                                                           tally::view_of(event_id), scratch);
        std::memcpy(identity->data, hash.data(), hash.size());
        return UUIDPGetDatum(identity);
    });
}

// tally._erased_id(tenant_id integer, customer_id text, source text, event_id text) -> text
TALLY_FUNCTION(erased_id) {
    const std::int32_t tenant_id = PG_GETARG_INT32(0);
    const text* customer_id = PG_GETARG_TEXT_PP(1);
    const text* source = PG_GETARG_TEXT_PP(2);
    const text* event_id = PG_GETARG_TEXT_PP(3);
    return tally::guarded([&]() -> Datum {
        tally::FieldBytes scratch;
        const std::string erased = tally::erased_event_id(tally::stored_identity(
            tenant_id, tally::view_of(customer_id), tally::view_of(source), tally::view_of(event_id), scratch));
        return tally::call_pg([&] { return tally::text_datum(erased); });
    });
}

// tally._hash32(value text) -> integer
TALLY_FUNCTION(hash32) {
    PG_RETURN_INT32(tally::hash32(tally::view_of(PG_GETARG_TEXT_PP(0))));
}
