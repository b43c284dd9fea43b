// The store's health as Prometheus text: what tally_rest.health() answered, under the names that /metrics uses for it.
#pragma once

#include <string>

namespace tallyd {

// json: an object; of members that are missing or null nothing is said.
std::string store_health_text(const std::string& json);

}  // namespace tallyd
