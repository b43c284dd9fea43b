// Packing's share in cuts (sql/install/60-usage/cut.sql): watermarks, so that a cut needs not look through all events; and
// the cut of the day.
#include "pg/segment/pack.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/owner_step.hpp"
#include "pg/segment/pile.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

// Takes away what a newer one says too. Where the newest is not to be relied on yet, others are added once a minute.
void note_watermark() {
    run_now(
        "DELETE FROM tally.watermark w USING tally.watermark n WHERE n.next_xid <= "
        "pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())"
        " AND w.seq <= n.seq AND w.act <= n.act AND (w.seq, w.act) <> (n.seq, n.act)",
        {}, SPI_OK_DELETE);
    run_now(
        "SELECT s.last_value, a.last_value FROM tally.event_seq s,"
        " LATERAL (SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last_value FROM tally.act_number) a WHERE "
        "s.is_called AND (SELECT"
        " pg_catalog.count(*) < 1000 AND coalesce(pg_catalog.max(w.seq) < s.last_value OR pg_catalog.max(w.act) < "
        "a.last_value, true)"
        " AND coalesce(pg_catalog.max(w.next_xid::text::bigint) <= "
        "pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::bigint"
        " OR pg_catalog.max(w.marked_at) < pg_catalog.clock_timestamp() - '1 minute'::interval, true)"
        " FROM tally.watermark w)",
        {}, SPI_OK_SELECT);
    if (SPI_processed == 0) return;
    const Datum seq = answer(0, 1), act = answer(0, 2);
    // After the numbers: whoever was given one of them has an older xid.
    const FullTransactionId next = ReadNextFullTransactionId();
    run_now("INSERT INTO tally.watermark (seq, act, next_xid) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            {{INT8OID, seq}, {INT8OID, act}, {XID8OID, UInt64GetDatum(U64FromFullTransactionId(next))}}, SPI_OK_INSERT);
}

}  // namespace

void add_watermark() {
    call_pg([] {
        if (try_tending_lock(TendingLock::watermarks)) note_watermark();
    });
}

}  // namespace tally

// tally.cut_daily() -> boolean
TALLY_FUNCTION(cut_daily) {
    tally::require_writable("tally.cut_daily()");
    PG_RETURN_BOOL(tally::as_owner([] {
        return tally::call_pg([] {
            tally::run_now("SELECT tally._cut_daily()", {}, SPI_OK_SELECT);
            return DatumGetBool(tally::answer(0, 1));
        });
    }));
}
