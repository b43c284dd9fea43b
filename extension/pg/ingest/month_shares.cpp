// The shares behind month_shares.hpp. A shard is looked for and locked by direct access, whatever the isolation the newest
// version of it; what is used is counted by one statement for all of a key's.
#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "pg/ingest/month_shares.hpp"
#include "pg/border/boundary.hpp"
#include "pg/ingest/index_read.hpp"
#include "pg/ingest/statement.hpp"

namespace tally {
namespace {

// Columns of tally.month_count, in the order of its definition; the first four are its key.
enum CountColumn : std::int16_t {
    count_tenant = 1,
    count_key,
    count_month,
    count_shard,
    count_used,
    count_credit,
    count_quota
};

using Quota = std::optional<std::int64_t>;

constinit Statement spread_statement{
    "SELECT s.allowed, s.quota FROM tally._spread_credit($1, $2, $3, $4) s", 4, {INT4OID, UUIDOID, DATEOID, INT8OID}};

constinit Statement use_statement{
    "UPDATE tally.month_count SET used = used OPERATOR(pg_catalog.+) $2, credit = credit OPERATOR(pg_catalog.-) $2 "
    "WHERE ctid OPERATOR(pg_catalog.=) ANY ($1)",
    2,
    {TIDARRAYOID, INT8OID}};

std::int64_t number_at(int column, bool& is_null) {
    return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null));
}

// First day of the month (UTC), in days since 2000-01-01.
std::int32_t first_of_month(std::int64_t unix_microseconds) {
    using namespace std::chrono;
    const auto day = floor<std::chrono::days>(sys_time<microseconds>(microseconds(unix_microseconds)));
    const year_month_day date{day};
    return static_cast<std::int32_t>(sys_days{date.year() / date.month() / 1}.time_since_epoch().count() -
                                     (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE));
}

Quota quota_in(TupleTableSlot* slot, AttrNumber column) {
    bool is_null = false;
    const Datum value = slot_getattr(slot, column, &is_null);
    return is_null ? std::nullopt : Quota(DatumGetInt64(value));
}

// The limit of a key, or of the tenant over all keys, as it is committed now.
Quota quota_now(std::int32_t tenant_id, const Hash128& key) {
    const bool is_tenant = key == Hash128{};
    const IndexRead rows = is_tenant ? begin_index_read("tenant", AccessShareLock, "tenant_pkey", GetLatestSnapshot(), 1)
                                     : begin_index_read("api_key", AccessShareLock, "api_key_pkey", GetLatestSnapshot(), 1);
    ScanKeyData wanted;
    if (is_tenant) ScanKeyInit(&wanted, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant_id));
    else ScanKeyInit(&wanted, 1, BTEqualStrategyNumber, F_UUID_EQ, PointerGetDatum(key.data()));
    index_rescan(rows.scan, &wanted, 1, nullptr, 0);
    const AttrNumber column = get_attnum(RelationGetRelid(rows.table), "events_per_month");
    const Quota quota = next_row(rows) ? quota_in(rows.slot, column) : std::nullopt;
    end_index_read(rows);
    return quota;
}

// The shards of a month's count, as they are now.
IndexRead begin_shards(std::int32_t tenant_id, const Hash128& key, std::int32_t month) {
    const IndexRead shards = begin_index_read("month_count", RowExclusiveLock, "month_count_pkey", GetLatestSnapshot(), 3);
    ScanKeyData wanted[3];
    ScanKeyInit(&wanted[0], count_tenant, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant_id));
    ScanKeyInit(&wanted[1], count_key, BTEqualStrategyNumber, F_UUID_EQ, PointerGetDatum(key.data()));
    ScanKeyInit(&wanted[2], count_month, BTEqualStrategyNumber, F_DATE_EQ, DateADTGetDatum(month));
    index_rescan(shards.scan, wanted, 3, nullptr, 0);
    return shards;
}

// Locks a shard that nobody holds and that has credit for as many events; false where there is none. Credit of another
// limit than now is none: whoever changes the limit leaves the shards alone, so that nobody waits for that.
bool lock_shard(const IndexRead& shards, Quota quota, std::int64_t wanted, ItemPointerData& row) {
    TupleTableSlot* const locked = table_slot_create(shards.table, nullptr);
    bool is_locked = false;
    while (!is_locked && next_row(shards)) {
        bool is_endless = false;
        const std::int64_t credit = DatumGetInt64(slot_getattr(shards.slot, count_credit, &is_endless));
        if (!is_endless && credit < wanted) continue;
        if (quota_in(shards.slot, count_quota) != quota) continue;
        // One that somebody has just changed is left alone as one that somebody holds.
        row = shards.slot->tts_tid;
        TM_FailureData failure;
        is_locked = table_tuple_lock(shards.table, &row, shards.snapshot, locked, GetCurrentCommandId(true),
                                     LockTupleNoKeyExclusive, LockWaitSkip, 0, &failure) == TM_Ok;
    }
    ExecDropSingleTupleTableSlot(locked);
    return is_locked;
}

// The first of the shards, which spreading has locked.
ItemPointerData first_shard(const IndexRead& shards) {
    bool is_null = false;
    while (next_row(shards))
        if (DatumGetInt32(slot_getattr(shards.slot, count_shard, &is_null)) == 0) return shards.slot->tts_tid;
    elog(ERROR, "a month's count lacks its first shard");
}

// Adds `accepted` to each of the shards, which are locked.
void count_events(std::span<const std::pair<std::int64_t, ItemPointerData>> used) {
    auto* const rows = static_cast<Datum*>(palloc(sizeof(Datum) * used.size()));
    std::transform(used.begin(), used.end(), rows, [](const auto& one) { return PointerGetDatum(&one.second); });
    ArrayType* const array =
        construct_array(rows, static_cast<int>(used.size()), TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT);
    const Datum values[] = {PointerGetDatum(array), Int64GetDatum(used.front().first)};
    if (use_statement.run_now(values) != used.size()) elog(ERROR, "a month's count changed while it was locked");
}

}  // namespace

MonthLimit MonthShares::take(Share& share, std::int64_t wanted) {
    return call_pg([&]() -> MonthLimit {
        const Quota quota = quota_now(tenant_id_, share.key);
        IndexRead shards = begin_shards(tenant_id_, share.key, month_);
        const bool is_locked = lock_shard(shards, quota, wanted, share.row);
        end_index_read(shards);
        if (is_locked) return {};
        SPI_connect();
        const Datum values[] = {Int32GetDatum(tenant_id_), PointerGetDatum(share.key.data()), DateADTGetDatum(month_),
                                Int64GetDatum(wanted)};
        (void)spread_statement.run(values);
        MonthLimit limit;
        bool is_null = false;
        const std::int64_t allowed = number_at(1, is_null);
        if (allowed < wanted) limit = {allowed, number_at(2, is_null)};
        SPI_finish();
        shards = begin_shards(tenant_id_, share.key, month_);
        share.row = first_shard(shards);
        end_index_read(shards);
        return limit;
    });
}

MonthLimits MonthShares::take(const IngestBatch& batch) {
    MonthLimits limits;
    if (keys_.empty() || batch.candidates() == 0) return limits;
    month_ = first_of_month(batch.options().now_microseconds);
    shares_.resize(keys_.size() + 1);
    for (std::size_t sender = 0; sender < keys_.size(); ++sender) {
        shares_[sender + 1].key = keys_[sender];
        shares_[sender + 1].sender = static_cast<std::int32_t>(sender);
    }
    std::sort(shares_.begin() + 1, shares_.end(), [](const Share& a, const Share& b) { return a.key < b.key; });
    limits.tenant = take(shares_[0], static_cast<std::int64_t>(batch.candidates()));
    limits.senders.resize(keys_.size());
    for (Share& share : shares_) {
        if (share.sender < 0) continue;
        const auto wanted = static_cast<std::int64_t>(batch.candidates(static_cast<std::uint32_t>(share.sender)));
        if (wanted > 0) limits.senders[static_cast<std::size_t>(share.sender)] = take(share, wanted);
    }
    return limits;
}

void MonthShares::use(const IngestBatch& batch) {
    std::vector<std::pair<std::int64_t, ItemPointerData>> used;
    for (const Share& share : shares_) {
        std::int64_t accepted = 0;
        for (const BatchBody& body : batch.bodies()) {
            if (share.sender >= 0 && body.sender != static_cast<std::uint32_t>(share.sender)) continue;
            for (const BatchEvent& event : batch.events_of(body)) accepted += event.verdict == Verdict::accepted;
        }
        if (accepted > 0) used.emplace_back(accepted, share.row);
    }
    if (used.empty()) return;
    // As many for the tenant and for the only key that sent some: one statement.
    std::sort(used.begin(), used.end(), [](const auto& left, const auto& right) { return left.first < right.first; });
    call_pg([&] {
        SPI_connect();
        for (std::size_t from = 0, to = 0; from < used.size(); from = to) {
            while (to < used.size() && used[to].first == used[from].first) ++to;
            count_events(std::span(used).subspan(from, to - from));
        }
        SPI_finish();
    });
}

}  // namespace tally
