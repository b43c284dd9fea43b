// The limit of events per month: see month_limit.hpp.
#include "month_limit.hpp"

#include <jansson.h>

#include <algorithm>
#include <memory>

namespace tallyd {

void tell_month_limit(Answer& answer, std::time_t now) {
    answer.retry_after = seconds_to_next_month(now);
    const std::unique_ptr<json_t, void (*)(json_t*)> body(
        json_loadb(answer.body.data(), answer.body.size(), 0, nullptr), json_decref);
    const json_t* limit = json_object_get(json_object_get(body.get(), "details"), "limit");
    const json_t* events = json_object_get(limit, "events_per_month");
    if (!json_is_integer(events)) return;
    answer.rate.limit = static_cast<long>(json_integer_value(events));
    answer.rate.remaining = static_cast<long>(json_integer_value(json_object_get(limit, "remaining")));
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
