// How many events of a question were sent again, as tally.resend_count has it.
#pragma once

#include <cstdint>
#include <string>

#include "pg/usage/ask.hpp"

namespace tally {

// {"first_day", "last_day", "duplicates", "conflicts"}: of the days (UTC) that the range touches, of its customers and
// code, whatever the filter and the cut. Reads with the active snapshot and the rights of tally_owner: the caller was let
// through before.
std::string resends_json(std::int32_t tenant, const std::string& code, const Asked& asked);

}  // namespace tally
