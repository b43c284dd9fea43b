// Time zones and widths of windows, checked, as window.hpp says; and their SQL faces.
#include <algorithm>
#include <iterator>
#include <string_view>

#include "core/usage/zone_name.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/rows.hpp"
#include "pg/border/values.hpp"
#include "pg/usage/window.hpp"

namespace tally {
namespace {

constexpr int shown_bytes = 64;

// A name as it may be told: its first characters.
char* shown(const char* name) {
    const int length = static_cast<int>(strlen(name));
    return pnstrdup(name, static_cast<Size>(pg_mbcliplen(name, length, shown_bytes)));
}

[[noreturn]] void fail(const char* field, char* message, const char* hint) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", message), hint[0] != 0 ? errhint("%s", hint) : 0,
                    err_generic_string(PG_DIAG_COLUMN_NAME, field)));
    pg_unreachable();
}

[[noreturn]] void fail_width(const char* field, const char* width, const char* why, const char* hint) {
    fail(field, psprintf("\"%s\" is no %s%s", shown(width), field, why), hint);
}

bool is_digit_or_dot(char c) {
    return (c >= '0' && c <= '9') || c == '.';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// Where a time such as 1:30 or 00:20:00.5 that begins at `at` ends; `at` itself where none begins there.
const char* end_of_time(const char* at) {
    const char* end = at;
    while (*end >= '0' && *end <= '9') ++end;
    if (end == at) return at;
    const char* whole = at;
    while (*end == ':' && is_digit_or_dot(end[1])) {
        for (++end; is_digit_or_dot(*end);) ++end;
        whole = end;
    }
    return whole;
}

// PostgreSQL takes a number without a unit for seconds, and M for minutes where others mean months. Of times (1:30) and of
// ISO 8601 (P1M, PT1M) every number is clear.
void require_clear_units(const char* field, const char* window) {
    const char* at = window;
    while (is_blank(*at)) ++at;
    const bool is_iso = *at == 'P';
    bool no_unit = false, ambiguous = false;
    for (at = window; *at != '\0';) {
        if (const char* const end = end_of_time(at); end != at) {
            at = end;
            continue;
        }
        if (!is_digit_or_dot(*at++)) continue;
        while (is_digit_or_dot(*at)) ++at;
        while (is_blank(*at)) ++at;
        if (!is_letter(*at) && !is_digit_or_dot(*at)) no_unit = true;
        if (*at == 'M' && !is_letter(at[1])) ambiguous = true;
    }
    if (no_unit) fail_width(field, window, ": a number has no unit", "Write such as \"20m\", \"6 hours\" or \"14 days\".");
    if (ambiguous && !is_iso) {
        fail_width(field, window, ": M may mean minutes or months",
                   "Write such as \"20m\" for minutes and \"1 month\" for months.");
    }
}

struct NamedWidth {
    const char* name;
    WindowWidth width;
};
constexpr std::int64_t minute = 60'000'000;
constexpr NamedWidth named_widths[] = {{"minute", {0, 0, minute}}, {"hour", {0, 0, 60 * minute}}, {"day", {0, 1, 0}},
                                       {"week", {0, 7, 0}},        {"month", {1, 0, 0}},          {"quarter", {3, 0, 0}},
                                       {"year", {12, 0, 0}}};

// Years beyond 9999 have no windows that could be written as RFC 3339.
constexpr std::int64_t first_moment = -62'135'596'800LL * 1'000'000 - unix_to_postgres_epoch;
constexpr std::int64_t end_of_moments = 253'402'300'800LL * 1'000'000 - unix_to_postgres_epoch;

// Calls PostgreSQL.
WindowOrigin require_origin(const Cut& cut, const WindowWidth& width) {
    constexpr const char* days[] = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    WindowOrigin origin;
    origin.anchor = cut.anchor;
    if (cut.anchor && width.months == 0 && width.days == 0)
        fail("anchor", psprintf("anchor is for windows of days, weeks, months or years"),
             "Give such a window beside it, such as window=month.");
    if (cut.week_start == nullptr) return origin;
    const auto* const day = std::find_if(std::begin(days), std::end(days),
                                         [&](const char* name) { return same_but_for_case(cut.week_start, name); });
    if (day == std::end(days))
        fail("week_start", psprintf("\"%s\" is no day of the week", shown(cut.week_start)), "Use monday, ..., sunday.");
    if (width.days == 0 || width.days % 7 != 0)
        fail("week_start", psprintf("week_start is for windows of weeks"), "Give window=week beside it.");
    if (cut.anchor)
        fail("week_start", psprintf("week_start and anchor exclude each other"),
             "An anchor says by itself on which day a week starts.");
    origin.week_start = static_cast<int>(day - std::begin(days));
    return origin;
}

// The years 1 to 9999 lie well within what PostgreSQL's calendar can do, so none of this fails.
pg_tm calendar_of(std::int64_t local) {
    pg_tm broken_down;
    fsec_t fraction = 0;
    if (timestamp2tm(local - unix_to_postgres_epoch, nullptr, &broken_down, &fraction, nullptr, nullptr) != 0)
        ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
    return broken_down;
}

}  // namespace

std::int64_t PgZone::to_local(std::int64_t instant) const {
    return call_pg([&] {
        pg_tm broken_down;
        fsec_t fraction = 0;
        int west = 0;
        if (timestamp2tm(instant - unix_to_postgres_epoch, &west, &broken_down, &fraction, nullptr, zone_) != 0)
            ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
        return instant - std::int64_t{west} * 1'000'000;
    });
}

std::int64_t PgZone::to_instant(std::int64_t local) const {
    return call_pg([&] {
        pg_tm broken_down = calendar_of(local);
        return local + std::int64_t{DetermineTimeZoneOffset(&broken_down, zone_)} * 1'000'000;
    });
}

pg_tz* require_zone(const char* name) {
    pg_tz* const zone = is_zone_name(name) ? pg_tzset(name) : nullptr;
    if (zone == nullptr || !pg_tz_acceptable(zone)) {
        fail("time_zone", psprintf("time zone \"%s\" is not known", shown(name)),
             "Use an IANA name such as UTC or America/New_York.");
    }
    return zone;
}

WindowWidth require_width(const char* window, const char* field) {
    for (const NamedWidth& named : named_widths)
        if (same_but_for_case(window, named.name)) return named.width;
    require_clear_units(field, window);
    WindowWidth width;
    if (!decode_interval(window, &width.months, &width.days, &width.microseconds)) {
        fail_width(field, window, "",
                   "Use minute, hour, day, week, month, quarter, year, or an interval such as \"20m\", \"6 hours\" or \"14 "
                   "days\".");
    }
    const int kinds = (width.months != 0) + (width.days != 0) + (width.microseconds != 0);
    constexpr std::int64_t day = 1'440 * minute;
    if (kinds != 1 || width.months < 0 || width.months > 12'000 || width.days < 0 || width.days > 360'000 ||
        (width.microseconds != 0 && (width.microseconds < 1'000 || width.microseconds > 360'000 * day))) {
        fail_width(
            field, window, "",
            "A width is a positive number of months, of days, or of hours and smaller units, and not a mixture of these.");
    }
    return width;
}

std::optional<std::int64_t> anchor_argument(FunctionCallInfo fcinfo, int number) {
    if (PG_ARGISNULL(number)) return std::nullopt;
    const Timestamp given = PG_GETARG_TIMESTAMP(number);
    if (TIMESTAMP_NOT_FINITE(given) || given < first_moment || given >= end_of_moments)
        call_pg([] { fail("anchor", psprintf("anchor must be a date or a time in the years 1 to 9999"), ""); });
    return given + unix_to_postgres_epoch;
}

std::vector<std::int64_t> require_starts(std::int64_t from, std::int64_t to, const Cut& cut, pg_tz* zone) {
    WindowWidth width;
    WindowOrigin origin;
    call_pg([&] {
        if (cut.window != nullptr) width = require_width(cut.window);
        origin = require_origin(cut, width);
        if (cut.window != nullptr && is_cut_too_small(from, to, width)) {
            fail("window",
                 psprintf("a window of \"%s\" cuts this range into more than %lld windows", cut.window,
                          static_cast<long long>(max_windows)),
                 "Ask for a shorter range or wider windows.");
        }
    });
    if (cut.window == nullptr) return {from};
    return window_starts(from, to, width, PgZone(zone), origin);
}

}  // namespace tally

namespace {

// The start or end of a range.
void require_instant(const char* field, TimestampTz at) {
    if (TIMESTAMP_NOT_FINITE(at)) tally::fail(field, psprintf("%s must be a point in time", field), "");
    if (at < tally::first_moment || at > tally::end_of_moments)
        tally::fail(field, psprintf("from and to must lie in the years 1 to 9999"), "");
}

std::int64_t unix_argument(Datum timestamp) {
    return DatumGetTimestampTz(timestamp) + tally::unix_to_postgres_epoch;
}

}  // namespace

// tally._check_time_zone(time_zone text) -> text: the name, UTC for NULL
TALLY_FUNCTION(check_time_zone) {
    if (PG_ARGISNULL(0)) PG_RETURN_TEXT_P(cstring_to_text("UTC"));
    char* const name = text_to_cstring(PG_GETARG_TEXT_PP(0));
    (void)tally::require_zone(name);
    PG_RETURN_TEXT_P(cstring_to_text(tally::same_but_for_case(name, "UTC") ? "UTC" : name));
}

// tally._window_width(window text, field text) -> interval
TALLY_FUNCTION(window_width) {
    const tally::WindowWidth width =
        tally::require_width(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)));
    auto* const interval = static_cast<Interval*>(palloc(sizeof(Interval)));
    interval->month = width.months;
    interval->day = width.days;
    interval->time = width.microseconds;
    PG_RETURN_INTERVAL_P(interval);
}

// tally._local_instant(local_time timestamp, time_zone text) -> timestamptz
TALLY_FUNCTION(local_instant) {
    const std::int64_t local = PG_GETARG_TIMESTAMP(0) + tally::unix_to_postgres_epoch;
    pg_tz* const zone = tally::require_zone(text_to_cstring(PG_GETARG_TEXT_PP(1)));
    return tally::guarded([&]() -> Datum {
        return TimestampTzGetDatum(tally::first_instant(local, tally::PgZone(zone)) - tally::unix_to_postgres_epoch);
    });
}

// tally.windows(from timestamptz, to timestamptz, window text, time_zone text, anchor timestamp, week_start text)
// -> setof (window_start, window_end)
TALLY_FUNCTION(windows) {
    ReturnSetInfo* const info = tally::begin_rows(fcinfo);
    const char* const name = PG_ARGISNULL(3) ? "UTC" : text_to_cstring(PG_GETARG_TEXT_PP(3));
    pg_tz* const zone = tally::require_zone(name);
    if (PG_ARGISNULL(0) || PG_ARGISNULL(1)) PG_RETURN_NULL();
    const TimestampTz from = PG_GETARG_TIMESTAMPTZ(0), to = PG_GETARG_TIMESTAMPTZ(1);
    const char* const window = PG_ARGISNULL(2) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(2));
    const char* const week_start = PG_ARGISNULL(5) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(5));
    if (window != nullptr) (void)tally::require_width(window);
    require_instant("from", from);
    require_instant("to", to);
    if (from >= to) PG_RETURN_NULL();
    tally::guarded([&] {
        const tally::Cut cut{window, tally::anchor_argument(fcinfo, 4), week_start};
        const auto starts =
            tally::require_starts(unix_argument(PG_GETARG_DATUM(0)), unix_argument(PG_GETARG_DATUM(1)), cut, zone);
        tally::call_pg([&] {
            for (std::size_t i = 0; i < starts.size(); ++i) {
                const TimestampTz end = i + 1 < starts.size() ? starts[i + 1] - tally::unix_to_postgres_epoch : to;
                Datum values[] = {TimestampTzGetDatum(starts[i] - tally::unix_to_postgres_epoch), TimestampTzGetDatum(end)};
                bool nulls[2] = {};
                tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
            }
        });
    });
    PG_RETURN_NULL();
}
