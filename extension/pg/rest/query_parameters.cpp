// Query parameters as tallyd hands them over, {"name": ["value", ...]}. In C, for each request reads several of them, and
// what an SQL function does for one is planned anew in every transaction.
// Invariant: no C++ object that needs a destructor lives in these functions, for PostgreSQL's errors jump over them.
#include <string_view>

#include "core/base/rfc3339.hpp"
#include "core/usage/window.hpp"

#include "pg/usage/arguments.hpp"
#include "pg/usage/window.hpp"
#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"

namespace tally {
namespace {

constexpr int longest_quoted = 64;  // characters of a value that an error repeats
constexpr std::string_view filter_prefix = "filter[";

// The query argument of a call; nullptr where it is NULL.
Jsonb* query_argument(FunctionCallInfo fcinfo) {
    return PG_ARGISNULL(0) ? nullptr : PG_GETARG_JSONB_P(0);
}

JsonbContainer* values_of(Jsonb* query, const char* name) {
    if (query == nullptr || !JB_ROOT_IS_OBJECT(query)) return nullptr;
    JsonbValue key;
    key.type = jbvString;
    key.val.string.val = const_cast<char*>(name);
    key.val.string.len = static_cast<int>(std::string_view(name).size());
    JsonbValue* const found = findJsonbValueFromContainer(&query->root, JB_FOBJECT, &key);
    if (found == nullptr) return nullptr;
    if (found->type != jbvBinary || !JsonContainerIsArray(found->val.binary.data) ||
        JsonContainerIsScalar(found->val.binary.data))
        refuse_argument(name, psprintf("%s must be given as an array of texts", name));
    return found->val.binary.data;
}

// The text of an element; nullptr for null.
char* text_of(JsonbContainer* values, std::uint32_t index, const char* name) {
    JsonbValue* const value = getIthJsonbValueFromContainer(values, index);
    if (value == nullptr || value->type == jbvNull) return nullptr;
    if (value->type != jbvString) refuse_argument(name, psprintf("%s must be given as an array of texts", name));
    return pnstrdup(value->val.string.val, static_cast<Size>(value->val.string.len));
}

// The value of a parameter that may be given once; nullptr where it is absent, "" where it is empty.
char* one_value(Jsonb* query, const char* name) {
    JsonbContainer* const values = values_of(query, name);
    if (values == nullptr || JsonContainerSize(values) == 0) return nullptr;
    if (JsonContainerSize(values) > 1)
        refuse_argument(name, psprintf("%s is given %u times", name, JsonContainerSize(values)));
    return text_of(values, 0, name);
}

char* one_value_or_none(Jsonb* query, const char* name) {
    char* const value = one_value(query, name);
    return value == nullptr || *value == '\0' ? nullptr : value;
}

const char* name_argument(FunctionCallInfo fcinfo, int number) {
    if (PG_ARGISNULL(number)) refuse_argument("name", "a query parameter must have a name");
    return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

const char* quoted(const char* value) {
    const int length = static_cast<int>(std::string_view(value).size());
    return pnstrdup(value, static_cast<Size>(pg_mbcharcliplen(value, length, longest_quoted)));
}

bool is_digits(std::string_view text) {
    for (const char c : text)
        if (c < '0' || c > '9') return false;
    return !text.empty();
}

// Unix microseconds of a date YYYY-MM-DD at midnight, as if in UTC; false for anything else.
bool parse_date(const char* text, std::int64_t* midnight) {
    const std::string_view given(text);
    if (given.size() != 10 || given[4] != '-' || given[7] != '-' || !is_digits(given.substr(0, 4)) ||
        !is_digits(given.substr(5, 2)) || !is_digits(given.substr(8)))
        return false;
    const auto parsed = parse_rfc3339(psprintf("%sT00:00:00Z", text));
    if (parsed) *midnight = *parsed;
    return parsed.has_value();
}

// An offset whose + became a space, as it does in a query string.
bool ends_in_spaced_offset(std::string_view text) {
    if (text.size() < 6) return false;
    const std::string_view end = text.substr(text.size() - 6);
    return end[0] == ' ' && is_digits(end.substr(1, 2)) && end[3] == ':' && is_digits(end.substr(4));
}

[[noreturn]] void refuse_instant(const char* name, const char* given) {
    if (given == nullptr)
        refuse_argument(name, psprintf("%s is missing", name),
                        "Give a date such as 2024-01-31 or a time such as 2024-01-31T13:00:00Z.");
    refuse_argument(
        name,
        psprintf("%s must be a date such as 2024-01-31 or an RFC 3339 time such as 2024-01-31T13:00:00Z, not \"%s\"", name,
                 quoted(given)),
        ends_in_spaced_offset(given) ? "In a query string the + of an offset must be written as %2B." : nullptr);
}

// Unix microseconds of a parameter that is a time, or a date: midnight in the zone.
std::int64_t instant(Jsonb* query, const char* name, pg_tz* zone) {
    const char* const given = one_value_or_none(query, name);
    if (given == nullptr) refuse_instant(name, given);
    std::int64_t midnight = 0;
    if (parse_date(given, &midnight)) return guarded([&] { return first_instant(midnight, PgZone(zone)); });
    const auto parsed = parse_rfc3339(given);
    if (!parsed) refuse_instant(name, given);
    return *parsed;
}

pg_tz* zone_argument(FunctionCallInfo fcinfo, int number) {
    return require_zone(PG_ARGISNULL(number) ? "UTC" : text_to_cstring(PG_GETARG_TEXT_PP(number)));
}

bool is_filter(std::string_view key) {
    return key.size() > filter_prefix.size() + 1 && key.starts_with(filter_prefix) && key.back() == ']';
}

struct Allowed {
    Datum* names = nullptr;
    int count = 0;
    bool filters = false;  // filter[] stands for filter[property], and is no parameter itself

    bool takes(std::string_view key) const {
        if (is_filter(key)) return filters;
        for (int i = 0; i < count; ++i)
            if (view_of(DatumGetTextPP(names[i])) == key) return key != "filter[]";
        return false;
    }
};

Allowed allowed_argument(FunctionCallInfo fcinfo, int number) {
    Allowed allowed;
    if (PG_ARGISNULL(number)) return allowed;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), TEXTOID, -1, false, TYPALIGN_INT, &allowed.names, nullptr,
                      &allowed.count);
    for (int i = 0; i < allowed.count; ++i)
        if (view_of(DatumGetTextPP(allowed.names[i])) == "filter[]") allowed.filters = true;
    return allowed;
}

[[noreturn]] void refuse_unknown(const Allowed& allowed, const char* extra) {
    StringInfoData hint;
    initStringInfo(&hint);
    appendStringInfoString(&hint, allowed.count == 0 ? "This route takes none" : "This route takes ");
    for (int i = 0; i < allowed.count; ++i) {
        const char* const name = text_to_cstring(DatumGetTextPP(allowed.names[i]));
        appendStringInfo(&hint, "%s%s", i == 0 ? "" : ", ",
                         std::string_view(name) == "filter[]" ? "filter[property]" : name);
    }
    appendStringInfoChar(&hint, '.');
    refuse_argument(extra, psprintf("unknown query parameter \"%s\"", extra), hint.data);
}

// Calls visit(key, value) for each member of an object, values as binary or scalar.
template <typename Visit>
void each_member(Jsonb* object, Visit&& visit) {
    if (object == nullptr || !JB_ROOT_IS_OBJECT(object)) return;
    JsonbIterator* walk = JsonbIteratorInit(&object->root);
    JsonbValue key, value;
    JsonbIteratorNext(&walk, &key, true);
    while (JsonbIteratorNext(&walk, &key, true) == WJB_KEY) {
        JsonbIteratorNext(&walk, &value, true);
        visit(key, value);
    }
}

}  // namespace
}  // namespace tally

// tally_rest._check_query(query jsonb, allowed text[]) -> void
TALLY_FUNCTION(check_query) {
    const tally::Allowed allowed = tally::allowed_argument(fcinfo, 1);
    tally::each_member(tally::query_argument(fcinfo), [&](const JsonbValue& key, const JsonbValue&) {
        const std::string_view name(key.val.string.val, static_cast<std::size_t>(key.val.string.len));
        if (!allowed.takes(name)) tally::refuse_unknown(allowed, pnstrdup(name.data(), name.size()));
    });
    PG_RETURN_VOID();
}

// tally_rest._parameter(query jsonb, name text) -> text
TALLY_FUNCTION(query_parameter) {
    const char* const value = tally::one_value_or_none(tally::query_argument(fcinfo), tally::name_argument(fcinfo, 1));
    if (value == nullptr) PG_RETURN_NULL();
    return tally::text_datum(value);
}

// tally_rest._parameter_text(query jsonb, name text) -> text
TALLY_FUNCTION(query_parameter_text) {
    Jsonb* const query = tally::query_argument(fcinfo);
    const char* const name = tally::name_argument(fcinfo, 1);
    if (tally::values_of(query, name) == nullptr) PG_RETURN_NULL();
    const char* const value = tally::one_value(query, name);
    return tally::text_datum(value == nullptr ? "" : value);
}

// tally_rest._parameter_list(query jsonb, name text) -> text[]
TALLY_FUNCTION(query_parameter_list) {
    const char* const name = tally::name_argument(fcinfo, 1);
    JsonbContainer* const values = tally::values_of(tally::query_argument(fcinfo), name);
    const int count = values == nullptr ? 0 : static_cast<int>(JsonContainerSize(values));
    if (count == 0) PG_RETURN_NULL();
    Datum* const texts = static_cast<Datum*>(palloc0(sizeof(Datum) * static_cast<Size>(count)));
    bool* const nulls = static_cast<bool*>(palloc0(sizeof(bool) * static_cast<Size>(count)));
    for (int i = 0; i < count; ++i) {
        const char* const value = tally::text_of(values, static_cast<std::uint32_t>(i), name);
        nulls[i] = value == nullptr;
        if (value != nullptr) texts[i] = tally::text_datum(value);
    }
    int size = count, first = 1;
    PG_RETURN_ARRAYTYPE_P(construct_md_array(texts, nulls, 1, &size, &first, TEXTOID, -1, false, TYPALIGN_INT));
}

// tally_rest._parameter_number(query jsonb, name text, least_value bigint, greatest_value bigint, default_value bigint)
// -> bigint
TALLY_FUNCTION(query_parameter_number) {
    const char* const name = tally::name_argument(fcinfo, 1);
    const char* const given = tally::one_value_or_none(tally::query_argument(fcinfo), name);
    if (given == nullptr) {
        if (PG_ARGISNULL(4)) PG_RETURN_NULL();
        PG_RETURN_INT64(PG_GETARG_INT64(4));
    }
    const std::string_view digits(given);
    const std::int64_t least = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2);
    const std::int64_t greatest = PG_ARGISNULL(3) ? PG_INT64_MAX : PG_GETARG_INT64(3);
    std::int64_t number = -1;
    if (digits.size() <= 18 && tally::is_digits(digits)) {
        number = 0;
        for (const char digit : digits) number = number * 10 + (digit - '0');
    }
    if (number < least || number > greatest)
        tally::refuse_argument(
            name, psprintf("%s must be a whole number from " INT64_FORMAT " to " INT64_FORMAT, name, least, greatest));
    PG_RETURN_INT64(number);
}

// tally_rest._parameter_flag(query jsonb, name text) -> boolean
TALLY_FUNCTION(query_parameter_flag) {
    const char* const name = tally::name_argument(fcinfo, 1);
    const char* const given = tally::one_value_or_none(tally::query_argument(fcinfo), name);
    if (given == nullptr || std::string_view(given) == "false") PG_RETURN_BOOL(false);
    if (std::string_view(given) != "true") tally::refuse_argument(name, psprintf("%s must be true or false", name));
    PG_RETURN_BOOL(true);
}

// tally_rest._usage_filter(query jsonb) -> jsonb
TALLY_FUNCTION(usage_filter) {
    JsonbParseState* state = nullptr;
    tally::each_member(tally::query_argument(fcinfo), [&](JsonbValue& key, JsonbValue& value) {
        if (!tally::is_filter({key.val.string.val, static_cast<std::size_t>(key.val.string.len)})) return;
        if (state == nullptr) pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
        key.val.string.val += tally::filter_prefix.size();
        key.val.string.len -= static_cast<int>(tally::filter_prefix.size()) + 1;
        pushJsonbValue(&state, WJB_KEY, &key);
        pushJsonbValue(&state, WJB_VALUE, &value);
    });
    if (state == nullptr) PG_RETURN_NULL();
    PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr)));
}

// tally_rest._instant(query jsonb, name text, time_zone text) -> timestamptz
TALLY_FUNCTION(query_instant) {
    PG_RETURN_TIMESTAMPTZ(
        tally::instant(tally::query_argument(fcinfo), tally::name_argument(fcinfo, 1), tally::zone_argument(fcinfo, 2)) -
        tally::unix_to_postgres_epoch);
}

// tally_rest._local_time(query jsonb, name text, time_zone text) -> timestamp
TALLY_FUNCTION(query_local_time) {
    Jsonb* const query = tally::query_argument(fcinfo);
    const char* const name = tally::name_argument(fcinfo, 1);
    const char* const given = tally::one_value_or_none(query, name);
    if (given == nullptr) PG_RETURN_NULL();
    std::int64_t local = 0;
    if (!tally::parse_date(given, &local)) {
        pg_tz* const zone = tally::zone_argument(fcinfo, 2);
        const std::int64_t at = tally::instant(query, name, zone);
        local = tally::guarded([&] { return tally::PgZone(zone).to_local(at); });
    }
    PG_RETURN_TIMESTAMP(local - tally::unix_to_postgres_epoch);
}

// tally_rest._either(query jsonb, name text, other text, time_zone text) -> text
TALLY_FUNCTION(query_either) {
    Jsonb* const query = tally::query_argument(fcinfo);
    const char* const name = tally::name_argument(fcinfo, 1);
    const char* const other = tally::name_argument(fcinfo, 2);
    if (tally::one_value_or_none(query, other) == nullptr) return tally::text_datum(name);
    if (tally::one_value_or_none(query, name) == nullptr) return tally::text_datum(other);
    pg_tz* const zone = tally::zone_argument(fcinfo, 3);
    if (tally::instant(query, name, zone) != tally::instant(query, other, zone))
        tally::refuse_argument(other, psprintf("%s and %s contradict each other", name, other),
                               "They are two names of one thing: give one of them.");
    return tally::text_datum(name);
}
