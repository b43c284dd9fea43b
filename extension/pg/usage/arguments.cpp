// Checks of arguments.hpp.
#include "pg/usage/arguments.hpp"

#include "pg/border/values.hpp"
#include "pg/usage/store.hpp"
#include "pg/usage/window.hpp"

namespace tally {
namespace {

constexpr std::int64_t first_second = -62'135'596'800;  // 0001-01-01
constexpr std::int64_t last_second = 253'402'300'800;   // 10000-01-01
constexpr std::int64_t microseconds = 1'000'000;

constexpr std::size_t max_group_by = 10;
constexpr int max_key_characters = 255;

}  // namespace

void refuse_argument(const char* field, const char* message, const char* hint) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message),
                    err_generic_string(PG_DIAG_COLUMN_NAME, field), hint != nullptr ? errhint("%s", hint) : 0));
    pg_unreachable();
}

std::optional<std::string> text_argument(FunctionCallInfo fcinfo, int number) {
    if (PG_ARGISNULL(number)) return std::nullopt;
    return std::string(call_pg([&] { return view_of(PG_GETARG_TEXT_PP(number)); }));
}

std::vector<std::optional<std::string>> texts_argument(FunctionCallInfo fcinfo, int number) {
    std::vector<std::optional<std::string>> texts;
    if (PG_ARGISNULL(number)) return texts;
    Datum* values = nullptr;
    bool* nulls = nullptr;
    int count = 0;
    call_pg([&] {
        deconstruct_array(PG_GETARG_ARRAYTYPE_P(number), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &count);
    });
    for (int i = 0; i < count; ++i) {
        if (nulls[i]) {
            texts.emplace_back();
        } else {
            texts.emplace_back(call_pg([&] { return view_of(DatumGetTextPP(values[i])); }));
        }
    }
    return texts;
}

bool flag_argument(FunctionCallInfo fcinfo, int number) {
    return !PG_ARGISNULL(number) && PG_GETARG_BOOL(number);
}

TimeRange range_arguments(FunctionCallInfo fcinfo, int from, int to) {
    const auto is_moment = [&](int number) {
        return !PG_ARGISNULL(number) && !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(number));
    };
    if (!is_moment(from)) call_pg([] { refuse_argument("from", "from must be a point in time"); });
    if (!is_moment(to)) call_pg([] { refuse_argument("to", "to must be a point in time"); });
    const TimestampTz begin = PG_GETARG_TIMESTAMPTZ(from), end = PG_GETARG_TIMESTAMPTZ(to);
    if (begin < to_postgres(first_second * microseconds) || end > to_postgres(last_second * microseconds))
        call_pg([] { refuse_argument("from", "from and to must lie in the years 1 to 9999"); });
    if (begin >= end)
        call_pg([] { refuse_argument("to", "to must lie after from", "A range holds its start and not its end."); });
    return {to_unix(begin), to_unix(end)};
}

int either_argument(FunctionCallInfo fcinfo, int number, int other, const char* name, const char* other_name) {
    if (PG_ARGISNULL(other)) return number;
    if (PG_ARGISNULL(number)) return other;
    if (PG_GETARG_TIMESTAMPTZ(number) != PG_GETARG_TIMESTAMPTZ(other))
        call_pg([&] {
            refuse_argument(other_name, psprintf("%s and %s contradict each other", name, other_name),
                            "They are two names of one thing: give one of them.");
        });
    return number;
}

Windows windows_argument(const TimeRange& range, const WindowArguments& given) {
    pg_tz* const zone = call_pg([&] { return require_zone(given.time_zone ? given.time_zone->c_str() : "UTC"); });
    const auto text = [](const std::optional<std::string>& value) { return value ? value->c_str() : nullptr; };
    return Windows(require_starts(range.from, range.to, {text(given.width), given.anchor, text(given.week_start)}, zone),
                   range.to);
}

Filter filter_argument(FunctionCallInfo fcinfo, int number) {
    if (PG_ARGISNULL(number)) return {};
    Filter filter = parse_filter(call_pg([&] {
        Jsonb* const given = PG_GETARG_JSONB_P(number);
        return JsonbToCString(nullptr, &given->root, static_cast<int>(VARSIZE(given)));
    }));
    // It would mean a property of that name, and find none: usage of 0 is the worst kind of wrong.
    for (const Filter::Entry& entry : filter.entries)
        if (entry.key == "customer_id")
            call_pg([] {
                refuse_argument("filter", "filter takes properties of events, and customer_id is none of them",
                                "Give customer_id=... in REST, customer => ... in SQL.");
            });
    return filter;
}

GroupBy group_by_argument(FunctionCallInfo fcinfo, int number) {
    const std::vector<std::optional<std::string>> keys = texts_argument(fcinfo, number);
    if (keys.size() > max_group_by)
        call_pg([&] {
            refuse_argument("group_by",
                            psprintf("group_by names %d properties; at most 10 are allowed", static_cast<int>(keys.size())));
        });
    GroupBy group_by;
    for (const std::optional<std::string>& key : keys) {
        const int length =
            !key ? 0 : call_pg([&] { return pg_mbstrlen_with_len(key->data(), static_cast<int>(key->size())); });
        if (length < 1 || length > max_key_characters)
            call_pg([] { refuse_argument("group_by", "group_by must name properties of 1 to 255 characters"); });
        if (*key == "customer_id") {
            group_by.by_customer = true;
        } else {
            group_by.properties.push_back(*key);
        }
    }
    return group_by;
}

}  // namespace tally
