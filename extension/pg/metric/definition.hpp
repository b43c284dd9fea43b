// A row of tally.metric as the rule (core/metric) wants it.
#pragma once

#include "core/metric/definition.hpp"
#include "pg/border/boundary.hpp"

namespace tally {

// Of a value of type tally.metric. Throws Error(corrupted) for what the table's constraints do not let in.
MetricDefinition definition_of_row(HeapTupleHeader metric);

}  // namespace tally
