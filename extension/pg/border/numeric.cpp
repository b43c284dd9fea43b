// numeric <-> Decimal for every value numeric can hold; see numeric.hpp for the format.
#include <bit>

#include "pg/border/numeric.hpp"

namespace tally {

namespace {

[[noreturn]] void bad_numeric() {
    ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("malformed numeric value")));
    pg_unreachable();
}

// Digits of numeric are in native order, those of Decimal little-endian: a copy is needed on big-endian machines only.
const std::byte* little_endian_groups(const char* digits, std::size_t count) {
    if constexpr (std::endian::native == std::endian::little) {
        return reinterpret_cast<const std::byte*>(digits);
    } else {
        auto* const copy = static_cast<std::byte*>(palloc(2 * count + 1));
        for (std::size_t i = 0; i < 2 * count; ++i) copy[i] = static_cast<std::byte>(digits[i ^ 1]);
        return copy;
    }
}

Datum make_numeric(unsigned header, const std::int16_t* weight, const Groups* groups) {
    const std::size_t digit_bytes = groups == nullptr ? 0 : 2 * std::size_t{groups->count};
    const std::size_t size = VARHDRSZ + 2 + (weight == nullptr ? 0 : 2) + digit_bytes;
    char* const result = static_cast<char*>(palloc(size));
    SET_VARSIZE(result, size);
    char* out = VARDATA(result);
    const auto put = [&out](std::uint16_t word) {
        std::memcpy(out, &word, sizeof word);
        out += sizeof word;
    };
    put(static_cast<std::uint16_t>(header));
    if (weight != nullptr) put(static_cast<std::uint16_t>(*weight));
    for (std::size_t i = 0; i < digit_bytes; i += 2)
        put(static_cast<std::uint16_t>(std::to_integer<unsigned>(groups->groups[i]) |
                                       std::to_integer<unsigned>(groups->groups[i + 1]) << 8));
    return PointerGetDatum(result);
}

}  // namespace

Decimal decimal_from_numeric(Datum numeric) {
    namespace format = numeric_format;
    struct varlena* const value = PG_DETOAST_DATUM_PACKED(numeric);
    const char* bytes = VARDATA_ANY(value);
    std::size_t size = VARSIZE_ANY_EXHDR(value);
    if (size < 2 || size % 2 != 0) bad_numeric();
    const unsigned header = format::word_at(bytes);
    bytes += 2, size -= 2;
    bool negative = false;
    int scale = 0;
    int weight = 0;
    switch (header & format::special_mask) {
        case format::special_mask:
            return Decimal::make_special(header == format::infinity_word         ? DecimalKind::infinity
                                         : header == format::minus_infinity_word ? DecimalKind::minus_infinity
                                                                                 : DecimalKind::nan);
        case format::short_form:
            negative = (header & format::short_negative) != 0;
            scale = static_cast<int>(header >> format::short_scale_shift & format::short_scale_max);
            weight =
                static_cast<int>(header & format::short_weight_mask) - static_cast<int>(header & format::short_weight_sign);
            break;
        default:
            if (size < 2) bad_numeric();
            negative = (header & format::long_negative) != 0;
            scale = static_cast<int>(header & 0x3FFF);
            weight = static_cast<std::int16_t>(format::word_at(bytes));
            bytes += 2, size -= 2;
    }
    const std::size_t count = size / 2;
    for (std::size_t i = 0; i < count; ++i)
        if (format::word_at(bytes + 2 * i) >= decimal_base) bad_numeric();
    return from_groups(negative, weight, scale, little_endian_groups(bytes, count), static_cast<std::uint32_t>(count));
}

Datum numeric_from_decimal(const Decimal& value) {
    namespace format = numeric_format;
    switch (value.kind) {
        case DecimalKind::nan: return make_numeric(format::nan_word, nullptr, nullptr);
        case DecimalKind::infinity: return make_numeric(format::infinity_word, nullptr, nullptr);
        case DecimalKind::minus_infinity: return make_numeric(format::minus_infinity_word, nullptr, nullptr);
        default: break;
    }
    std::byte room[small_groups_bytes];
    const Groups groups = to_groups(value, room);
    const bool negative = groups.negative && groups.count != 0;
    const auto scale = static_cast<unsigned>(value.scale);
    if (groups.weight > format::weight_max)
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("value overflows numeric format")));
    if (scale <= format::short_scale_max && groups.weight >= -64 && groups.weight <= 63) {
        const unsigned header = format::short_form | (negative ? format::short_negative : 0) |
                                scale << format::short_scale_shift | (static_cast<unsigned>(groups.weight) & 0x7F);
        return make_numeric(header, nullptr, &groups);
    }
    const auto weight = static_cast<std::int16_t>(groups.weight);
    return make_numeric(scale | (negative ? format::long_negative : 0), &weight, &groups);
}

}  // namespace tally
