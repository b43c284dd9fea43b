// What a metric comes to over its whole life, as far as its code's segments go: the row of tally.life_total that packing
// carries on, and what it must agree with to be used.
//
// A row says what it covers: all events of the code that lay in segments when the pile had `pile_version`, but for the
// segments that tally.loose_segment names, from the retention edge `retained_from` on, without those that are void of the
// code's events since then, after `corrections` acts of voiding and lifting, by the definition of that hash. It is used
// only by who sees just these.
//   The segments: whoever changes the set of packed events raises the version in the same transaction, under the lock of
//   the pile; so in one snapshot row, version and segments belong together, and a row that was not carried on has an
//   older version than its pile.
//   The corrections: the number of acts stands for which events are void. An act is a void, or that one was lifted: each
//   row of tally.correction is one, each of tally.lifted_correction two, so acts are only ever added, but for those of
//   events before the edge, which are not counted. Those that the row has taken into account were committed (or this
//   transaction's) when it was written; who sees the row sees them all, so as many as they are no others.
//   The definition: a hash of all that the rule reads, so what a PATCH changes back is as it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/hash128.hpp"
#include "core/usage/states.hpp"

#include "pg/usage/metric_row.hpp"

namespace tally {

// What is kept of the metric's values; without the distinct ones, which no row carries.
Measures life_measures(const MetricDefinition& definition);
inline bool has_life_total(const MetricDefinition& definition) {
    return definition.aggregation != Aggregation::count_distinct;
}

Hash128 definition_hash(const MeteredMetric& metric);

struct LifeCover {
    Hash128 definition{};
    std::int64_t pile_version = 0;
    std::int64_t corrections = 0;
    std::int64_t retained_from = 0;  // Unix microseconds, INT64_MIN where all is kept

    friend bool operator==(const LifeCover&, const LifeCover&) = default;
};

// Columns of tally.life_total.
enum LifeColumn : AttrNumber {
    life_tenant = 1,
    life_code_hash,
    life_metric,
    life_definition,
    life_pile_version,
    life_corrections,
    life_retained_from,
    life_matched,
    life_counted,
    life_total,
    life_positive,
    life_negative,
    life_picked,
    life_picked_ts,
    life_picked_seq
};

struct LifeRow {
    LifeCover cover;
    KeptState state;
};

// A row of these columns, the first of which is life_tenant. Its numbers point to the row's, detoasted where they must
// be in the current memory context. Calls PostgreSQL.
LifeRow life_row(const Datum* values, const bool* nulls, Aggregation aggregation);

// How many acts made these `voided` events of the code void, of those from the edge on; in the active snapshot.
std::int64_t correction_acts(std::int32_t tenant, std::string_view code, std::int64_t edge, std::size_t voided);

// The metric's row in the active snapshot, if it covers what the snapshot sees: `voided` events, seen in it too, from
// this edge on.
std::optional<KeptState> find_life_total(const MeteredMetric& metric, std::int64_t edge, std::size_t voided);

// Segments of the pile that no row covers yet, whatever its version is: their numbers, ascending.
std::vector<std::int64_t> loose_segments(std::int32_t tenant, std::int32_t code_hash);

}  // namespace tally
