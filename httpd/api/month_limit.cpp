// The limit of events per month: see month_limit.hpp.
#include "api/month_limit.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace tallyd {

void tell_month_limit(Response& answer, std::time_t now) {
    answer.retry_after = seconds_to_next_month(now);
    const Json body(answer.body);
    const auto events = body.integer("/details/limit/events_per_month");
    if (!events) return;
    answer.rate.limit = static_cast<long>(*events);
    answer.rate.remaining = static_cast<long>(body.integer("/details/limit/remaining").value_or(0));
    answer.rate.reset = answer.retry_after;
}

int seconds_to_next_month(std::time_t now) noexcept {
    constexpr std::time_t kLongest = 31 * 86400;
    std::tm date{};
    if (gmtime_r(&now, &date) == nullptr) return static_cast<int>(kLongest);
    date.tm_mon += 1;
    date.tm_mday = 1;
    date.tm_hour = date.tm_min = date.tm_sec = 0;
    return static_cast<int>(std::clamp<std::time_t>(timegm(&date) - now, 1, kLongest));
}

}  // namespace tallyd
