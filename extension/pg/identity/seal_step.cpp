// SQL face of sealed identities: one step of keeping them, the look-up, and reading all of them.
#include "pg/border/gate.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/rows.hpp"
#include "pg/identity/seal.hpp"

namespace {

// Next to the class of the month's limits (50-ingest/limit.sql).
constexpr int lock_class = 82561;

bool try_lock() {
    return DatumGetBool(DirectFunctionCall2(pg_try_advisory_xact_lock_int4, Int32GetDatum(lock_class), Int32GetDatum(0)));
}

tally::SealedStore open_now(LOCKMODE mode) {
    return tally::open_sealed_store(RegisterSnapshot(GetLatestSnapshot()), mode);
}

void close_now(const tally::SealedStore& store) {
    Snapshot const snapshot = store.snapshot;
    tally::close_sealed_store(store);
    UnregisterSnapshot(snapshot);
}

Datum uuid_datum(const tally::Hash128& key) {
    auto* const uuid = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
    memcpy(uuid->data, key.data(), key.size());
    return UUIDPGetDatum(uuid);
}

struct RowTarget {
    ReturnSetInfo* info;
    std::int64_t run;
};

// A part of one run as rows.
void put_block(std::int32_t, tally::Bytes data, void* closure) {
    const auto& target = *static_cast<RowTarget*>(closure);
    const tally::BlockView block(data);
    for (std::uint32_t i = 0; i < block.size(); ++i) {
        const tally::SealedIdentity entry = block.at(i);
        Datum key = uuid_datum(entry.key);
        Datum values[] = {key, Int64GetDatum(entry.payload), Int32GetDatum(entry.month), Int64GetDatum(target.run)};
        bool nulls[4] = {};
        tuplestore_putvalues(target.info->setResult, target.info->setDesc, values, nulls);
        pfree(DatumGetPointer(key));
    }
}

}  // namespace

// tally.seal_identities(at_least integer, at_most integer) -> boolean
TALLY_FUNCTION(seal_step) {
    tally::require_writable("tally.seal_identities()");
    const std::int32_t at_least = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT32(0);
    const std::int32_t at_most = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
    if (at_least < 1 || at_most < 1 || at_most > 1'000'000) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("at_least and at_most must be at least 1, at_most at most 1000000")));
    }
    // What was committed before the lock was got is seen: the snapshot is taken after it.
    if (!try_lock()) PG_RETURN_BOOL(false);
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
    const tally::SealedStore store = open_now(RowExclusiveLock);
    const bool did = tally::guarded([&] {
        const tally::Sealed sealed = tally::seal_recent(store, at_least, at_most);
        if (sealed.moved > 0) return true;
        return tally::delete_step(store) || tally::merge_step(store, sealed.held_back > 0);
    });
    close_now(store);
    SPI_finish();
    PG_RETURN_BOOL(did);
}

// tally._find_sealed(identities uuid[]) -> setof (identity, payload, month)
TALLY_FUNCTION(find_sealed) {
    Datum* elements = nullptr;
    int count = 0;
    bool* null_elements = nullptr;
    deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), UUIDOID, UUID_LEN, false, TYPALIGN_CHAR, &elements, &null_elements, &count);
    ReturnSetInfo* const info = tally::begin_rows(fcinfo);
    auto* const keys = static_cast<tally::Hash128*>(palloc(sizeof(tally::Hash128) * static_cast<Size>(count + 1)));
    auto* const matches =
        static_cast<tally::SealedMatch*>(palloc(sizeof(tally::SealedMatch) * static_cast<Size>(count + 1)));
    for (int i = 0; i < count; ++i) {
        if (null_elements[i])
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an identity must not be NULL")));
        memcpy(keys[i].data(), DatumGetUUIDP(elements[i])->data, keys[i].size());
    }
    const tally::SealedStore store = tally::open_sealed_store(GetActiveSnapshot(), AccessShareLock);
    tally::require_select(store);
    tally::guarded([&] { tally::call_pg([&] { tally::find_sealed(store, keys, count, matches); }); });
    tally::close_sealed_store(store);
    for (int i = 0; i < count; ++i) {
        if (!matches[i].found) continue;
        Datum values[] = {elements[i], Int64GetDatum(matches[i].payload), Int32GetDatum(matches[i].month)};
        bool nulls[3] = {};
        tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
    }
    PG_RETURN_NULL();
}

// tally._sealed_identities() -> setof (identity, payload, month, run_id)
TALLY_FUNCTION(sealed_identities) {
    RowTarget target{tally::begin_rows(fcinfo), 0};
    const tally::SealedStore store = tally::open_sealed_store(GetActiveSnapshot(), AccessShareLock);
    tally::require_select(store);
    const tally::SealedRuns ready = tally::read_runs(store, "ready");
    for (int i = 0; i < ready.count; ++i) {
        target.run = ready.runs[i].id;
        tally::guarded([&] {
            tally::call_pg([&] {
                tally::check_filters(store, ready.runs[i]);
                tally::each_part(store, target.run, 0, PG_INT32_MAX, put_block, &target);
            });
        });
    }
    tally::close_sealed_store(store);
    PG_RETURN_NULL();
}
