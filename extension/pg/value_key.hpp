// From an SQL value of any type to the key by which a distinct set knows it (core/set_key.hpp).
#pragma once

#include "core/distinct_set.hpp"
#include "pg/prelude.hpp"

namespace tally {

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
        bytes,
        uuid,
        enum_label,
        hashed
    };
    Oid type;
    Oid collation;
    Way way;
    SetKind kind;
    std::uint32_t keys_word;  // of running sets of this kind: with keys of 8 bytes, and with bits
    std::uint32_t bits_word;
    FmgrInfo* function;  // hashed: the type's extended hash; enum_label: its output function

    SetKey key_of(Datum value) const;

    bool is_integer() const noexcept { return way <= Way::micros; }
    std::int64_t integer_of(Datum value) const noexcept {
        switch (way) {
            case Way::int2:
                return DatumGetInt16(value);
            case Way::oid:
                return DatumGetObjectId(value);
            case Way::boolean:
                return DatumGetBool(value) ? 1 : 0;
            case Way::int4:
            case Way::date:
                return DatumGetInt32(value);
            default:
                return DatumGetInt64(value);
        }
    }
};

// The reader for argument `index` of the running call. Raises 42883 where the type can be neither read nor hashed.
const ValueReader& value_reader(FunctionCallInfo fcinfo, int index);

}  // namespace tally
