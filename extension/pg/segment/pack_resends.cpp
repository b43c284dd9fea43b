// Packing's share in the counts of events that were sent again: the rows that calls have added become one a key.
//
// One session at a time does so, and no call of ingest touches what is folded: nobody waits for it.
#include "pg/segment/pack.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/pile.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

constexpr std::int32_t parts_at_once = 10'000;

bool enough_wait(std::int32_t at_least) {
    run_now(
        "SELECT FROM tally.resend_count c WHERE c.part <> '00000000-0000-0000-0000-000000000000'"
        " OFFSET $1 LIMIT 1",
        {{INT4OID, Int32GetDatum(at_least - 1)}}, SPI_OK_SELECT);
    return SPI_processed > 0;
}

void fold() {
    run_now(
        "WITH part AS (DELETE FROM tally.resend_count c WHERE c.ctid = ANY (ARRAY(SELECT p.ctid FROM tally.resend_count p"
        " WHERE p.part <> '00000000-0000-0000-0000-000000000000' ORDER BY p.part LIMIT $1)) RETURNING c.*)"
        " INSERT INTO tally.resend_count AS f (tenant_id, code, day, customer_id, part, duplicates, conflicts)"
        " SELECT p.tenant_id, p.code, p.day, p.customer_id, '00000000-0000-0000-0000-000000000000',"
        " pg_catalog.sum(p.duplicates)::bigint, pg_catalog.sum(p.conflicts)::bigint"
        " FROM part p GROUP BY p.tenant_id, p.code, p.day, p.customer_id"
        " ON CONFLICT (tenant_id, code, day, customer_id, part) DO UPDATE"
        " SET duplicates = f.duplicates + excluded.duplicates, conflicts = f.conflicts + excluded.conflicts",
        {{INT4OID, Int32GetDatum(parts_at_once)}}, SPI_OK_INSERT);
}

}  // namespace

bool fold_resends(std::int32_t at_least) {
    return call_pg([&] {
        if (!enough_wait(at_least) || !try_tending_lock(TendingLock::resends)) return false;
        fold();
        return true;
    });
}

}  // namespace tally
