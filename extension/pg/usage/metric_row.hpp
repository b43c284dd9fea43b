// A row of tally.metric: found by its id, its slug or its code, and what the engine needs of it beside the rule's
// definition.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/public_id.hpp"
#include "core/metric/definition.hpp"

#include "pg/border/boundary.hpp"

namespace tally {

struct MeteredMetric {
    std::int32_t tenant = 0;
    UuidBytes id{};
    std::string code;
    MetricDefinition definition;
    std::optional<std::int32_t> conversion_factor;
    std::string conversion_rounding;
};

// Of a value of type tally.metric.
MeteredMetric metric_of_row(HeapTupleHeader row);

// A tenant's metric, given its id, its slug, or (in this order) a code that exactly one unarchived metric reads. Raises
// P0002 where there is none, 22023 where there are several. `field` is the part of a request that names it, where one
// does: errors tell it, and a text that is no id and no metric's name is 22023 then. The caller's right to the tenant
// has been checked.
HeapTupleHeader find_metric(std::int32_t tenant, const std::optional<std::string>& reference,
                            const std::optional<std::string>& field = std::nullopt);

// All unarchived metrics of the tenant that read a code.
std::vector<HeapTupleHeader> unarchived_metrics(std::int32_t tenant, const std::string& code);

}  // namespace tally
