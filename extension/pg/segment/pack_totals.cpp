// Packing's care for life totals that are behind: finding them, and counting them anew in a step of their own.
#include "pg/segment/retention_edge.hpp"

#include "pg/segment/pack.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/pile.hpp"
#include "pg/segment/statement.hpp"
#include "pg/usage/life_total.hpp"
#include "pg/usage/store.hpp"

namespace tally {

void plan_totals(PackQueue& queue) {
    call_pg([] {
        run_now(
            "SELECT l.tenant_id, l.code_hash, m, l.definition, l.pile_version = p.version AND l.retained_from = $1"
            " AND l.corrections = (SELECT pg_catalog.count(*) FROM tally.correction c"
            " WHERE c.tenant_id = l.tenant_id AND c.code = m.code AND c.ts >= $1)"
            " + 2 * (SELECT pg_catalog.count(*) FROM tally.lifted_correction c"
            " WHERE c.tenant_id = l.tenant_id AND c.code = m.code AND c.ts >= $1)"
            " FROM tally.life_total l JOIN tally.pile p USING (tenant_id, code_hash)"
            " JOIN tally.metric m USING (tenant_id, metric_id) ORDER BY l.tenant_id, l.code_hash",
            {{TIMESTAMPTZOID, TimestampTzGetDatum(to_postgres(retained_from()))}}, SPI_OK_SELECT);
    });
    for (std::uint64_t row = 0; row < SPI_processed; ++row) {
        const PileKey pile = {DatumGetInt32(answer(row, 1)), DatumGetInt32(answer(row, 2))};
        if (!queue.totals.empty() && queue.totals.back() == pile) continue;
        HeapTupleHeader const metric_row = call_pg([&] { return DatumGetHeapTupleHeader(answer(row, 3)); });
        const MeteredMetric metric = metric_of_row(metric_row);
        const Hash128 definition = definition_hash(metric);
        const bool is_current = call_pg([&] {
            return DatumGetBool(answer(row, 5)) &&
                   memcmp(DatumGetUUIDP(answer(row, 4))->data, definition.data(), definition.size()) == 0;
        });
        if (!is_current && has_life_total(metric.definition)) queue.totals.push_back(pile);
    }
    call_pg([] { SPI_freetuptable(SPI_tuptable); });
}

bool recount_totals(const PileKey& pile) {
    if (call_pg([&] { return lock_pile(pile.tenant_id, pile.code_hash); }) != PileLock::held) return false;
    Snapshot const snapshot = call_pg([] { return RegisterSnapshot(GetLatestSnapshot()); });
    const bool counted = LifeTotals(pile.tenant_id, pile.code_hash, snapshot).recount();
    call_pg([&] { UnregisterSnapshot(snapshot); });
    return counted;
}

}  // namespace tally
