// The value of one metric over its whole life: what packing carries (life_state.hpp) and the events that lie beside it;
// where nothing is carried that covers what this snapshot sees, all events are counted.
//
// A life begins at the retention edge. The parent of the segments is locked before the edge is read, so what lies after
// it is not dropped before this is done.
#include <limits>
#include <optional>

#include "pg/segment/retention_edge.hpp"
#include "pg/usage/pass.hpp"

#include "pg/border/numeric.hpp"
#include "pg/border/rows.hpp"
#include "pg/usage/ask.hpp"
#include "pg/usage/life_state.hpp"
#include "pg/usage/state_values.hpp"
#include "pg/usage/store.hpp"

namespace {

using namespace tally;

constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

Relation open_segments() {
    const Oid oid = get_relname_relid("segment", get_namespace_oid("tally", false));
    if (!OidIsValid(oid)) elog(ERROR, "table tally.segment does not exist");
    return table_open(oid, AccessShareLock);
}

enum class Carried { used, ignored };

// As of a cut nothing that is carried is used: it may cover events that came later.
struct LifeSource {
    Carried carried;
    const KnownAt* known;
};

// Counts into `count`, and answers its one group.
std::uint32_t count_life(const MeteredMetric& metric, UsageCount& count, std::int64_t edge, const LifeSource& source) {
    UsageCount* const counts[] = {&count};
    const std::vector<std::int64_t> voided =
        voided_seqs(metric.tenant, metric.code, edge, end_of_time, count.groups().limit(), source.known);
    PassPlaces places;
    places.begins_at_edge = true;
    places.voided = voided;
    places.known = source.known;
    std::optional<KeptState> carried;
    if (source.carried == Carried::used && source.known == nullptr) carried = find_life_total(metric, edge, voided.size());
    std::vector<std::int64_t> loose;
    if (carried) {
        loose = loose_segments(metric.tenant, hash32(metric.code));
        places.only_segments = loose;
    }
    count_events(metric.tenant, metric.code, counts, places);
    UsageStates& states = count.groups().states();
    const std::uint32_t group = states.add_total();
    if (carried) states.add_kept(group, *carried);
    return group;
}

Datum answer_life(FunctionCallInfo fcinfo, Carried use) {
    return guarded([&]() -> Datum {
        const MeteredMetric given = metric_argument(fcinfo, 0);
        const std::optional<AsOf> as_of = find_as_of(given.tenant, PG_NARGS() > 1 ? text_argument(fcinfo, 1) : std::nullopt);
        const MeteredMetric metric = metric_as_of(given, as_of);
        const Measures measures = life_measures(metric.definition);
        Relation const parent = call_pg([] { return open_segments(); });
        const std::int64_t edge = call_pg([] { return edge_of_snapshot(); });
        const MetricRule rule(metric.definition, {}, {});
        UsageCount count({&rule, Windows({edge}, end_of_time), false, false, true, {}, measures}, usage_memory());
        const std::uint32_t group = count_life(metric, count, edge, {use, as_of ? &as_of->known : nullptr});
        call_pg([&] { table_close(parent, AccessShareLock); });
        const UsageStates& states = count.groups().states();
        const EventCounts counts = states.counts(group);
        ValueMaker maker(metric, states);
        const Decimal value = maker.value(group);
        return call_pg([&] {
            const auto amount = [](const Decimal& sum) {
                return DirectFunctionCall1(numeric_abs, numeric_from_decimal(sum_or_zero(sum)));
            };
            Datum values[6] = {0, 0, 0, 0, Int64GetDatum(counts.counted), Int64GetDatum(counts.matched - counts.counted)};
            bool nulls[6] = {true, !measures.sum, !measures.sides, !measures.sides, false, false};
            set_column(values[0], nulls[0], value);
            if (measures.sum) set_column(values[1], nulls[1], sum_or_zero(states.sum(group)));
            if (measures.sides) values[2] = amount(states.positive(group)), values[3] = amount(states.negative(group));
            TupleDesc shape = nullptr;
            if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) elog(ERROR, "_life must return a row");
            return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
        });
    });
}

}  // namespace

// tally._life(metric tally.metric, as_of text) -> (value, total, positive, negative, events, skipped) of all events of
// the metric
TALLY_FUNCTION(life) {
    return answer_life(fcinfo, Carried::used);
}

// tally._counted_life(metric tally.metric) -> the same, whatever packing carries: what tally.verify() compares it with
TALLY_FUNCTION(counted_life) {
    return answer_life(fcinfo, Carried::ignored);
}
