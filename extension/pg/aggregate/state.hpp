// What the glue of every state type shares: a Datum's bytes, and a varlena made of bytes.
#pragma once

#include "core/base/bytes.hpp"
#include "pg/border/prelude.hpp"

namespace tally {

// The bytes after the varlena header, detoasted if need be; valid as long as the Datum's memory is.
inline Bytes state_body(Datum datum) {
    struct varlena* const value = PG_DETOAST_DATUM_PACKED(datum);
    return {reinterpret_cast<const std::byte*>(VARDATA_ANY(value)), VARSIZE_ANY_EXHDR(value)};
}

// The bytes of a Datum that need no detoasting, as most do not; empty for one that does. Never palloc's.
inline Bytes plain_body(Datum datum) noexcept {
    const char* const value = DatumGetPointer(datum);
    if (VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value)) return {};
    return {reinterpret_cast<const std::byte*>(VARDATA_ANY(value)), VARSIZE_ANY_EXHDR(value)};
}

// A new varlena with room for `body_size` bytes; the size is set by finish_state. Raises 54000 beyond what PostgreSQL
// can hold in one value, so that no caller asks palloc for more than 1 GB.
inline char* new_state(std::size_t body_size) {
    if (body_size > MaxAllocSize - VARHDRSZ)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("aggregate state would exceed 1 GB")));
    return static_cast<char*>(palloc(VARHDRSZ + body_size));
}

inline std::byte* state_start(char* state) {
    return reinterpret_cast<std::byte*>(VARDATA(state));
}

inline Datum finish_state(char* state, std::size_t body_size) {
    SET_VARSIZE(state, VARHDRSZ + body_size);
    return PointerGetDatum(state);
}

// What a client sent, for a receive function.
inline Bytes received_bytes(StringInfo message) {
    const int size = message->len - message->cursor;
    return {reinterpret_cast<const std::byte*>(pq_getmsgbytes(message, size)), static_cast<std::size_t>(size)};
}

// What a send function answers: these bytes.
inline Datum sent_bytes(Bytes packed) {
    StringInfoData message;
    pq_begintypsend(&message);
    pq_sendbytes(&message, reinterpret_cast<const char*>(packed.data()), static_cast<int>(packed.size()));
    return PointerGetDatum(pq_endtypsend(&message));
}

// Hashes of a state's canonical bytes, for GROUP BY and hash joins.
inline Datum state_hash(Bytes packed) {
    return hash_any(reinterpret_cast<const unsigned char*>(packed.data()), static_cast<int>(packed.size()));
}

inline Datum state_hash_extended(Bytes packed, std::int64_t seed) {
    return hash_any_extended(reinterpret_cast<const unsigned char*>(packed.data()), static_cast<int>(packed.size()),
                             static_cast<std::uint64_t>(seed));
}

}  // namespace tally
