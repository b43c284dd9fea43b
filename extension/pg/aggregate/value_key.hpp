// From an SQL value of any type to the key by which a distinct set knows it (core/distinct/set_key.hpp).
#pragma once

#include "core/distinct/distinct_set.hpp"
#include "pg/border/prelude.hpp"

namespace tally {

struct NestedReader;

// How values of one type and collation become keys; found out once per call site and kept in flinfo->fn_extra.
struct ValueReader {
    enum class Way : std::uint8_t {
        int2,
        int4,
        int8,
        oid,
        boolean,
        date,
        micros,  // the last of those whose Datum is an integer
        float4,
        float8,
        numeric,
        text,
        padded_text,
        name,
        cstring,  // of type unknown: a literal without a type is a text
        bytes,
        uuid,
        enum_label,
        interval,
        zoned_time,
        eight_bytes,  // pg_lsn, xid8
        nested,
        hashed
    };
    Oid type;
    Oid collation;
    Way way;
    SetKind kind;
    std::uint32_t keys_word;  // of running sets of this kind: with keys of 8 bytes, and with bits
    std::uint32_t bits_word;
    FmgrInfo* function;    // hashed: the type's extended hash; enum_label: its output function
    NestedReader* nested;  // nested: how to read the parts (pg/aggregate/nested_key.hpp)

    SetKey key_of(Datum value) const;

    bool is_integer() const noexcept { return way <= Way::micros; }
    std::int64_t integer_of(Datum value) const noexcept {
        switch (way) {
            case Way::int2: return DatumGetInt16(value);
            case Way::oid: return DatumGetObjectId(value);
            case Way::boolean: return DatumGetBool(value) ? 1 : 0;
            case Way::int4:
            case Way::date: return DatumGetInt32(value);
            default: return DatumGetInt64(value);
        }
    }
};

// Finds out how to read values of `type` and `collation`. Raises 42883 where they can be neither read nor hashed.
void fill_reader(ValueReader& reader, Oid type, Oid collation, MemoryContext memory);

// The reader for argument `index` of the running call; raises as fill_reader.
const ValueReader& value_reader(FunctionCallInfo fcinfo, int index);

}  // namespace tally
