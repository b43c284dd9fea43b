// The limit of events per month, as a refusal by it tells it: SQL says in details.limit of the body whose it is, how
// many events it allows and how many are left; the headers say the same, and when the month ends.
#pragma once

#include <ctime>

#include "base/response.hpp"

namespace tallyd {

// Sets Retry-After and, where the body has details.limit, RateLimit-* of an answer that is 429 for the month.
void tell_month_limit(Response& answer, std::time_t now);

// Until the limits of the month begin anew, in UTC.
int seconds_to_next_month(std::time_t now) noexcept;

}  // namespace tallyd
