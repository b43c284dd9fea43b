// Reading event properties (a flat jsonb object of strings and numbers) inside usage queries, without detours through
// SQL.
#include "core/base/number_text.hpp"
#include "core/base/rfc3339.hpp"

#include <cstring>

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

namespace {

// The value under `key`, or nullptr.
JsonbValue* find_property(Jsonb* properties, const char* key, int length) {
    if (!JB_ROOT_IS_OBJECT(properties)) return nullptr;
    return getKeyJsonValueFromContainer(&properties->root, key, length, nullptr);
}

// The text of a string or number property; nullptr for anything else. An empty string counts as absent, and equal
// numbers have one text whatever zeros were sent with them.
text* property_as_text(const JsonbValue* value) {
    if (value == nullptr) return nullptr;
    if (value->type == jbvString) {
        if (value->val.string.len == 0) return nullptr;
        return cstring_to_text_with_len(value->val.string.val, value->val.string.len);
    }
    if (value->type == jbvNumeric) {
        return cstring_to_text(numeric_normalize(value->val.numeric));
    }
    return nullptr;
}

Datum numeric_from_text(const char* value, int length) {
    return DirectFunctionCall3(numeric_in, CStringGetDatum(pnstrdup(value, static_cast<Size>(length))),
                               ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
}

}  // namespace

// tally._property_number(properties jsonb, key text) -> numeric: a number, or a string that is one; else NULL. Never
// raises.
TALLY_FUNCTION(property_number) {
    Jsonb* properties = PG_GETARG_JSONB_P(0);
    const text* key = PG_GETARG_TEXT_PP(1);
    const JsonbValue* value = find_property(properties, VARDATA_ANY(key), static_cast<int>(VARSIZE_ANY_EXHDR(key)));
    if (value == nullptr) PG_RETURN_NULL();
    if (value->type == jbvNumeric) return NumericGetDatum(value->val.numeric);
    if (value->type != jbvString) PG_RETURN_NULL();
    const std::string_view digits(value->val.string.val, static_cast<std::size_t>(value->val.string.len));
    if (tally::number_problem(digits)) PG_RETURN_NULL();
    return numeric_from_text(digits.data(), static_cast<int>(digits.size()));
}

// tally._property_text(properties jsonb, key text) -> text; NULL where the property is absent or empty
TALLY_FUNCTION(property_text) {
    Jsonb* properties = PG_GETARG_JSONB_P(0);
    const text* key = PG_GETARG_TEXT_PP(1);
    text* const found =
        property_as_text(find_property(properties, VARDATA_ANY(key), static_cast<int>(VARSIZE_ANY_EXHDR(key))));
    if (found == nullptr) PG_RETURN_NULL();
    PG_RETURN_TEXT_P(found);
}

// tally._property_texts(properties jsonb, keys text[]) -> text[]: the values of several properties, NULL where absent
TALLY_FUNCTION(property_texts) {
    Jsonb* properties = PG_GETARG_JSONB_P(0);
    ArrayType* keys = PG_GETARG_ARRAYTYPE_P(1);
    Datum* elements = nullptr;
    bool* key_nulls = nullptr;
    int count = 0;
    deconstruct_array(keys, TEXTOID, -1, false, TYPALIGN_INT, &elements, &key_nulls, &count);
    if (count == 0) PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
    auto* values = static_cast<Datum*>(palloc0(sizeof(Datum) * static_cast<Size>(count)));
    auto* nulls = static_cast<bool*>(palloc0(sizeof(bool) * static_cast<Size>(count)));
    for (int i = 0; i < count; ++i) {
        text* found = nullptr;
        if (!key_nulls[i]) {
            const text* key = DatumGetTextPP(elements[i]);
            found =
                property_as_text(find_property(properties, VARDATA_ANY(key), static_cast<int>(VARSIZE_ANY_EXHDR(key))));
        }
        nulls[i] = found == nullptr;
        values[i] = PointerGetDatum(found);
    }
    int dimensions[1] = {count};
    int lower_bounds[1] = {1};
    PG_RETURN_ARRAYTYPE_P(
        construct_md_array(values, nulls, 1, dimensions, lower_bounds, TEXTOID, -1, false, TYPALIGN_INT));
}

// tally._parse_timestamp(value text) -> timestamptz: RFC 3339, NULL for any other text
TALLY_FUNCTION(parse_timestamp) {
    const text* value = PG_GETARG_TEXT_PP(0);
    const auto instant = tally::parse_rfc3339(tally::view_of(value));
    if (!instant) PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(*instant - tally::unix_to_postgres_epoch);
}

// tally_rest._timestamp(at timestamptz) -> text: RFC 3339 in UTC
TALLY_FUNCTION(format_timestamp) {
    const TimestampTz at = PG_GETARG_TIMESTAMPTZ(0);
    if (TIMESTAMP_NOT_FINITE(at)) PG_RETURN_NULL();
    return tally::guarded([&]() -> Datum {
        const std::string shown = tally::format_rfc3339(at + tally::unix_to_postgres_epoch);
        return tally::call_pg([&] { return tally::text_datum(shown); });
    });
}
