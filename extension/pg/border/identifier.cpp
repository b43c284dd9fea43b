// SQL face of core/public_id: UUIDv7 and Meteroid's prefixed ids.
#include "core/base/public_id.hpp"

#include <cstring>

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

namespace {

Datum make_uuid(const tally::UuidBytes& bytes) {
    auto* uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    std::memcpy(uuid->data, bytes.data(), bytes.size());
    return UUIDPGetDatum(uuid);
}

}  // namespace

// tally._uuid7() -> uuid
TALLY_FUNCTION(uuid7) {
    std::uint64_t random_bits = 0;
    if (!pg_strong_random(&random_bits, sizeof random_bits)) {
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
    }
    return make_uuid(tally::make_uuid7(GetCurrentTimestamp() + tally::unix_to_postgres_epoch, random_bits));
}

// tally._random_bytes(count integer) -> bytea
TALLY_FUNCTION(random_bytes) {
    const int32 count = PG_GETARG_INT32(0);
    if (count < 1 || count > 1024) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("count must be between 1 and 1024")));
    }
    auto* bytes = static_cast<bytea*>(palloc(VARHDRSZ + static_cast<Size>(count)));
    SET_VARSIZE(bytes, VARHDRSZ + count);
    if (!pg_strong_random(VARDATA(bytes), static_cast<size_t>(count))) {
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
    }
    PG_RETURN_BYTEA_P(bytes);
}

// tally._encode_id(prefix text, id uuid) -> text
TALLY_FUNCTION(encode_id) {
    const text* prefix = PG_GETARG_TEXT_PP(0);
    const pg_uuid_t* uuid = PG_GETARG_UUID_P(1);
    return tally::guarded([&]() -> Datum {
        tally::UuidBytes bytes;
        std::memcpy(bytes.data(), uuid->data, bytes.size());
        const std::string id = tally::encode_public_id(tally::view_of(prefix), bytes);
        return tally::call_pg([&] { return tally::text_datum(id); });
    });
}

// tally._decode_id(prefix text, id text) -> uuid, NULL where the text is no such id
TALLY_FUNCTION(decode_id) {
    const text* prefix = PG_GETARG_TEXT_PP(0);
    const text* id = PG_GETARG_TEXT_PP(1);
    std::optional<tally::UuidBytes> uuid;  // trivially destructible: may live across PostgreSQL calls
    tally::guarded([&]() -> Datum {
        uuid = tally::decode_public_id(tally::view_of(prefix), tally::view_of(id));
        return 0;
    });
    if (!uuid) PG_RETURN_NULL();
    return make_uuid(*uuid);
}
