// CALL tally.retain(keep): forgets what happened before a month, with its identities and corrections.
//
// The edge is committed first: from then on ingest takes nothing that lies before it, and questions about that time
// raise an error, so nothing is half there for anybody. Then, each in a transaction of its own: whole partitions are
// dropped as soon as nobody reads them, segments of shared partitions, recent events, identities, corrections and counts
// of events that were sent again are deleted in pieces. Sealed identities go when their runs are merged. What a writer
// that had read the edge before brings in later goes with the next call.
//
// DROP TABLE waits for readers, and new readers queue behind it: so the locks are only tried.
#include <string>

#include "core/segment/partition.hpp"
#include "pg/border/gate.hpp"
#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/owner_step.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/pile.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

constexpr int rows_at_once = 10'000;
constexpr int lock_attempts = 10;
constexpr long lock_pause = 10'000;  // microseconds

// The first moment that is kept; PostgreSQL's time.
TimestampTz edge_for(const Interval& keep) {
    const std::int64_t kept = (keep.month * std::int64_t{DAYS_PER_MONTH} + keep.day) * USECS_PER_DAY + keep.time;
    if (kept < DAYS_PER_MONTH * USECS_PER_DAY)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("events must be kept for at least 1 month")));
    const TimestampTz wanted = DatumGetTimestampTz(
        DirectFunctionCall2(timestamptz_mi_interval, TimestampTzGetDatum(GetCurrentTimestamp()), IntervalPGetDatum(&keep)));
    const std::int64_t begin = month_begin(month_of(Max(wanted + unix_to_postgres_epoch, INT64CONST(0))));
    return begin - unix_to_postgres_epoch;
}

void set_edge(TimestampTz edge) {
    run_now(
        "INSERT INTO tally.store AS s (retained_from) VALUES ($1)"
        " ON CONFLICT (whole) DO UPDATE SET retained_from = excluded.retained_from"
        " WHERE s.retained_from < excluded.retained_from",
        {{TIMESTAMPTZOID, TimestampTzGetDatum(edge)}}, SPI_OK_INSERT);
}

bool lock_for_drop(Oid partition) {
    for (int attempt = 0; attempt < lock_attempts; ++attempt) {
        if (attempt > 0) pg_usleep(lock_pause);
        CHECK_FOR_INTERRUPTS();
        const Oid parent = relation_oid("segment");
        if (!ConditionalLockRelationOid(parent, AccessExclusiveLock)) continue;
        if (ConditionalLockRelationOid(partition, AccessExclusiveLock)) return true;
        UnlockRelationOid(parent, AccessExclusiveLock);
    }
    return false;
}

// Drops one partition that lies before the edge and is not `kept`, which could not be locked before. Answers the next
// `kept`.
enum class Drop { none, dropped, in_use };

Drop drop_partition(std::int32_t edge_month, Oid& last) {
    const SegmentPartitions all = segment_partitions();
    for (int i = 0; i < all.count; ++i) {
        const SegmentPartition& partition = all.partitions[i];
        if (partition.months.end > edge_month || partition.oid <= last) continue;
        last = partition.oid;
        if (!lock_for_drop(partition.oid)) {
            ereport(WARNING, (errcode(ERRCODE_LOCK_NOT_AVAILABLE),
                              errmsg("partition \"%s\" is being read and stays for now", get_rel_name(partition.oid)),
                              errhint("Call tally.retain() again later.")));
            return Drop::in_use;
        }
        const std::string statement = std::string("DROP TABLE tally.") + quote_identifier(get_rel_name(partition.oid));
        if (SPI_execute(statement.c_str(), false, 0) < 0) elog(ERROR, "cannot drop a partition");
        return Drop::dropped;
    }
    return Drop::none;
}

// Deletes a piece; false: there is nothing left that nobody else holds.
bool delete_piece(const char* statement, Oid type, Datum edge) {
    run_now(statement, {{type, edge}, {INT4OID, Int32GetDatum(rows_at_once)}}, SPI_OK_DELETE);
    return SPI_processed > 0;
}

// Rows are found anew for each piece, from where the oldest lie; what another session holds is left to the next call.
constexpr const char* delete_segments =
    "DELETE FROM tally.segment s WHERE (s.tableoid, s.ctid) IN (SELECT o.tableoid, o.ctid FROM tally.segment o"
    " WHERE o.month < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
// Whose segments are gone: the edge alone does not say so of a partition that is still read.
constexpr const char* delete_loose =
    "DELETE FROM tally.loose_segment l WHERE l.ctid = ANY (ARRAY(SELECT o.ctid FROM tally.loose_segment o"
    " WHERE o.month < $1 AND NOT EXISTS (SELECT FROM tally.segment s WHERE s.tenant_id = o.tenant_id"
    " AND s.segment_id = o.segment_id AND s.month = o.month) LIMIT $2 FOR UPDATE OF o SKIP LOCKED))";
constexpr const char* delete_events =
    "DELETE FROM tally.recent_event e WHERE e.ctid = ANY (ARRAY(SELECT o.ctid FROM tally.recent_event o"
    " WHERE o.ts < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
constexpr const char* delete_identities =
    "DELETE FROM tally.recent_identity i WHERE i.identity = ANY (ARRAY(SELECT o.identity FROM tally.recent_identity o"
    " WHERE o.month < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
// An amended event of a later month than what it was amended into, or the other way round, has one identity for both.
constexpr const char* delete_corrections =
    "DELETE FROM tally.correction c WHERE c.ctid = ANY (ARRAY(SELECT o.ctid FROM tally.correction o"
    " WHERE o.ts < $1 AND (o.successor_ts IS NULL OR o.successor_ts < $1) LIMIT $2 FOR UPDATE SKIP LOCKED))";
constexpr const char* delete_lifted =
    "DELETE FROM tally.lifted_correction c WHERE c.ctid = ANY (ARRAY(SELECT o.ctid FROM tally.lifted_correction o"
    " WHERE o.ts < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
constexpr const char* delete_resends =
    "DELETE FROM tally.resend_count c WHERE c.ctid = ANY (ARRAY(SELECT o.ctid FROM tally.resend_count o"
    " WHERE o.day < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";

// What one transaction does; in the order of the enumerators.
enum class Stage { edge, partitions, segments, loose, events, identities, corrections, lifted, resends, done };

struct Retention {
    Stage stage = Stage::edge;
    TimestampTz edge = 0;
    Oid last_partition = InvalidOid;
};

bool do_stage(Retention& work) {
    const std::int32_t month = month_of(work.edge + unix_to_postgres_epoch);
    const Datum moment = TimestampTzGetDatum(work.edge);
    switch (work.stage) {
        case Stage::edge: set_edge(work.edge); return false;
        case Stage::partitions: return drop_partition(month, work.last_partition) != Drop::none;
        case Stage::segments: return delete_piece(delete_segments, DATEOID, DateADTGetDatum(month_date(month)));
        case Stage::loose: return delete_piece(delete_loose, DATEOID, DateADTGetDatum(month_date(month)));
        case Stage::events: return delete_piece(delete_events, TIMESTAMPTZOID, moment);
        case Stage::identities: return delete_piece(delete_identities, INT4OID, Int32GetDatum(month));
        case Stage::corrections: return delete_piece(delete_corrections, TIMESTAMPTZOID, moment);
        case Stage::lifted: return delete_piece(delete_lifted, TIMESTAMPTZOID, moment);
        case Stage::resends: return delete_piece(delete_resends, DATEOID, DateADTGetDatum(month_date(month)));
        case Stage::done: break;
    }
    return false;
}

// One transaction; false when all is done.
bool step(Retention& work) {
    return as_owner([&] {
        const bool again = call_pg([&] { return do_stage(work); });
        if (!again) work.stage = static_cast<Stage>(static_cast<int>(work.stage) + 1);
        return work.stage != Stage::done;
    });
}

}  // namespace
}  // namespace tally

// CALL tally.retain(keep interval)
TALLY_FUNCTION(retain) {
    tally::require_writable("tally.retain()");
    if (PG_ARGISNULL(0))
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("how long events are kept must not be null")));
    tally::Retention work;
    work.edge = tally::edge_for(*PG_GETARG_INTERVAL_P(0));
    tally::committing_loop(fcinfo, [&] { return tally::step(work); });
    PG_RETURN_VOID();
}
