// What a caller of SQL gave, turned into a question: checked, with errors that name the argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/metric/rule.hpp"
#include "core/usage/windows.hpp"

#include "pg/border/boundary.hpp"

namespace tally {

// Raises 22023 about one argument. Calls PostgreSQL.
[[noreturn]] void refuse_argument(const char* field, const char* message, const char* hint = nullptr);

// A call's argument; nothing where it is NULL.
std::optional<std::string> text_argument(FunctionCallInfo fcinfo, int number);
std::vector<std::optional<std::string>> texts_argument(FunctionCallInfo fcinfo, int number);  // none where it is NULL
bool flag_argument(FunctionCallInfo fcinfo, int number);                                      // false where it is NULL

// [from, to) in Unix microseconds: points in time of the years 1 to 9999, in this order.
struct TimeRange {
    std::int64_t from = 0, to = 0;
};
TimeRange range_arguments(FunctionCallInfo fcinfo, int from, int to);

// An end of a range that has two names: the number of the argument that is given. Raises 22023 naming `other` where both
// are, with different times.
int either_argument(FunctionCallInfo fcinfo, int number, int other, const char* name, const char* other_name);

// How a range is cut into windows, as the call says it; one window where `width` is nothing.
struct WindowArguments {
    std::optional<std::string> width, time_zone, week_start;
    std::optional<std::int64_t> anchor;  // local Unix microseconds
};
Windows windows_argument(const TimeRange& range, const WindowArguments& given);

Filter filter_argument(FunctionCallInfo fcinfo, int number);

// Properties to group by, and whether customers are asked for too.
struct GroupBy {
    std::vector<std::string> properties;
    bool by_customer = false;
};
GroupBy group_by_argument(FunctionCallInfo fcinfo, int number);

}  // namespace tally
