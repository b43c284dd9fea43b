// Canonical keys of SQL values. Types listed in way_of have bytes of our own, fixed for ever and the same on every
// machine; those that are made of values are told apart by the keys of their parts (pg/aggregate/nested_key.hpp). Every
// other type with a hash operator class (citext, inet, hstore, ...) is known by that class' 64-bit hash under two fixed
// seeds, which honours the type's own equality but is as good as that hash, and holds as long as it does: PostgreSQL or
// the type's extension may change it in a new major version.
#include <bit>
#include <limits>

#include "pg/aggregate/nested_key.hpp"
#include "pg/border/numeric.hpp"
#include "pg/aggregate/value_key.hpp"

namespace tally {

namespace {

using Way = ValueReader::Way;

constexpr std::uint64_t first_seed = 0x7067'7461'6C6C'7931U;
constexpr std::uint64_t second_seed = 0x6469'7374'696E'6374U;

struct Choice {
    Way way;
    SetKind kind;
};

Choice way_of(Oid type) {
    switch (type) {
        case INT2OID: return {Way::int2, SetKind::number};
        case INT4OID: return {Way::int4, SetKind::number};
        case INT8OID: return {Way::int8, SetKind::number};
        case OIDOID: return {Way::oid, SetKind::number};
        case NUMERICOID: return {Way::numeric, SetKind::number};
        case BOOLOID: return {Way::boolean, SetKind::boolean};
        case DATEOID: return {Way::date, SetKind::date};
        case TIMESTAMPOID: return {Way::micros, SetKind::timestamp};
        case TIMESTAMPTZOID: return {Way::micros, SetKind::timestamptz};
        case TIMEOID: return {Way::micros, SetKind::time};
        case FLOAT4OID: return {Way::float4, SetKind::floating};
        case FLOAT8OID: return {Way::float8, SetKind::floating};
        case TEXTOID:
        case VARCHAROID: return {Way::text, SetKind::text};
        case BPCHAROID: return {Way::padded_text, SetKind::text};
        case NAMEOID: return {Way::name, SetKind::text};
        case UNKNOWNOID: return {Way::cstring, SetKind::text};
        case BYTEAOID: return {Way::bytes, SetKind::bytes};
        case UUIDOID: return {Way::uuid, SetKind::uuid};
        case INTERVALOID: return {Way::interval, SetKind::other};
        case TIMETZOID: return {Way::zoned_time, SetKind::other};
        case LSNOID:
        case XID8OID: return {Way::eight_bytes, SetKind::other};
        default: return {Way::hashed, SetKind::other};
    }
}

SetKey float_key(double value) noexcept {
    if (value == 0) value = 0;  // -0 is 0
    if (value != value) value = std::numeric_limits<double>::quiet_NaN();
    return key_of_integer(std::bit_cast<std::int64_t>(value));
}

Bytes bytes_of(Datum value) {
    struct varlena* const packed = PG_DETOAST_DATUM_PACKED(value);
    return {reinterpret_cast<const std::byte*>(VARDATA_ANY(packed)), VARSIZE_ANY_EXHDR(packed)};
}

SetKey padded_key(Datum value) {
    const Bytes padded = bytes_of(value);
    std::size_t length = padded.size();
    while (length > 0 && padded[length - 1] == std::byte{' '}) --length;
    return key_of_bytes(padded.first(length));
}

SetKey cstring_key(const char* string) noexcept {
    return key_of_bytes({reinterpret_cast<const std::byte*>(string), std::strlen(string)});
}

// Intervals are equal where their lengths are, a month being 30 days and a day 24 hours.
SetKey interval_key(Datum value) noexcept {
    const Interval* const interval = DatumGetIntervalP(value);
    const std::int64_t days = std::int64_t{interval->month} * 30 + interval->day;
    const auto length = static_cast<uint128>(int128{days} * USECS_PER_DAY + interval->time);
    return mix128(static_cast<std::uint64_t>(length), static_cast<std::uint64_t>(length >> 64));
}

SetKey zoned_time_key(Datum value) noexcept {
    const TimeTzADT* const time = DatumGetTimeTzADTP(value);
    return mix128(static_cast<std::uint64_t>(time->time), static_cast<std::uint32_t>(time->zone));
}

SetKey nested_key(NestedReader& reader, Datum value) {
    StringInfoData bytes;
    initStringInfo(&bytes);
    write_nested(reader, value, &bytes);
    const SetKey key = key_of_bytes({reinterpret_cast<const std::byte*>(bytes.data), static_cast<std::size_t>(bytes.len)});
    pfree(bytes.data);
    return key;
}

SetKey numeric_key(Datum value) {
    int128 coefficient;
    std::int32_t scale;
    std::byte room[8 + small_groups_bytes];
    if (small_from_numeric(value, coefficient, scale)) return key_of_decimal(Decimal::make_small(coefficient, scale), room);
    const Decimal decimal = decimal_from_numeric(value);
    return key_of_decimal(decimal, static_cast<std::byte*>(palloc(key_scratch_bytes(decimal))));
}

}  // namespace

void fill_reader(ValueReader& reader, Oid type, Oid collation, MemoryContext memory) {
    reader.type = type;
    reader.collation = collation;
    reader.function = nullptr;
    reader.nested = nullptr;
    const Oid base = getBaseType(type);
    Choice choice = way_of(base);
    const bool collated = choice.way == Way::text || choice.way == Way::padded_text || choice.way == Way::name;
    if (collated && OidIsValid(collation) && !get_collation_isdeterministic(collation))
        choice = {Way::hashed, SetKind::other};
    if (choice.way == Way::hashed && type_is_enum(base)) {
        Oid output = InvalidOid;
        bool is_varlena = false;
        choice = {Way::enum_label, SetKind::text};
        getTypeOutputInfo(base, &output, &is_varlena);
        reader.function = static_cast<FmgrInfo*>(MemoryContextAlloc(memory, sizeof(FmgrInfo)));
        fmgr_info_cxt(output, reader.function, memory);
    } else if (choice.way == Way::hashed && (reader.nested = nested_reader(base, collation, memory)) != nullptr) {
        choice.way = Way::nested;
    } else if (choice.way == Way::hashed) {
        TypeCacheEntry* const entry = lookup_type_cache(base, TYPECACHE_HASH_EXTENDED_PROC_FINFO);
        if (!OidIsValid(entry->hash_extended_proc_finfo.fn_oid))
            ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION),
                            errmsg("type %s has no hash operator class with a 64-bit hash function", format_type_be(base)),
                            errhint("Cast the values to text or bytea.")));
        reader.function = &entry->hash_extended_proc_finfo;
    }
    reader.way = choice.way;
    reader.kind = choice.kind;
    reader.keys_word = working_word(choice.kind, SetForm::working_keys, false);
    reader.bits_word = working_word(choice.kind, SetForm::working_bits, false);
}

SetKey ValueReader::key_of(Datum value) const {
    switch (way) {
        case Way::int2:
        case Way::int4:
        case Way::int8:
        case Way::oid:
        case Way::boolean:
        case Way::date:
        case Way::micros: return key_of_integer(integer_of(value));
        case Way::float4: return float_key(DatumGetFloat4(value));
        case Way::float8: return float_key(DatumGetFloat8(value));
        case Way::numeric: return numeric_key(value);
        case Way::text:
        case Way::bytes: return key_of_bytes(bytes_of(value));
        case Way::padded_text: return padded_key(value);
        case Way::name: return cstring_key(NameStr(*DatumGetName(value)));
        case Way::cstring: return cstring_key(DatumGetCString(value));
        case Way::uuid: return key_of_block(reinterpret_cast<const std::byte*>(DatumGetUUIDP(value)->data));
        case Way::enum_label: return cstring_key(DatumGetCString(FunctionCall1(function, value)));
        case Way::interval: return interval_key(value);
        case Way::zoned_time: return zoned_time_key(value);
        case Way::eight_bytes: return mix128(static_cast<std::uint64_t>(DatumGetInt64(value)), 0);
        case Way::nested: return nested_key(*nested, value);
        case Way::hashed: break;
    }
    const auto hash = [&](std::uint64_t seed) {
        return DatumGetUInt64(FunctionCall2Coll(function, collation, value, UInt64GetDatum(seed)));
    };
    const std::uint64_t high = hash(first_seed);
    return {high, hash(second_seed)};
}

const ValueReader& value_reader(FunctionCallInfo fcinfo, int index) {
    auto* reader = static_cast<ValueReader*>(fcinfo->flinfo->fn_extra);
    if (reader == nullptr) {
        const Oid type = get_fn_expr_argtype(fcinfo->flinfo, index);
        if (!OidIsValid(type))
            ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_DATATYPE), errmsg("could not determine the type of the values")));
        reader = static_cast<ValueReader*>(MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(ValueReader)));
        fill_reader(*reader, type, PG_GET_COLLATION(), fcinfo->flinfo->fn_mcxt);
        fcinfo->flinfo->fn_extra = reader;
    }
    return *reader;
}

}  // namespace tally
