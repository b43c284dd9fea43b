// The cut as of which a question is asked (sql/install/60-usage/cut.sql).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/event/known_at.hpp"

#include "pg/usage/metric_row.hpp"

namespace tally {

struct AsOf {
    std::string id;  // as people see it
    std::string name;
    std::int64_t taken_at = 0;  // Unix microseconds
    KnownAt known;
};

// The cut of the tenant, or of all tenants, that `as_of` means: a name, an id, or where it begins with a digit a time, of
// which it is the last cut before. Nothing where it is nothing. Raises 22023 where there is none. The caller's right to the
// tenant has been checked.
std::optional<AsOf> find_as_of(std::int32_t tenant, const std::optional<std::string>& as_of);

// The metric by the definition that it had at the cut; as it is where the metric is newer, or there is no cut.
MeteredMetric metric_as_of(const MeteredMetric& metric, const AsOf& cut);
MeteredMetric metric_as_of(const MeteredMetric& metric, const std::optional<AsOf>& as_of);

// Which cut it is, as answers name it: {"id", "name", "taken_at"}.
std::string json_of(const AsOf& cut);

}  // namespace tally
