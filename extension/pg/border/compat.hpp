// Differences between PostgreSQL 13 and 18, each with the major and the reason. No other file may test PG_VERSION_NUM.
// Read by pg/border/prelude.hpp after PostgreSQL's headers; never on its own.
#pragma once

#if PG_VERSION_NUM < 130000 || PG_VERSION_NUM >= 190000
#error "pgtally is made for PostgreSQL 13 to 18"
#endif

// 16 moved the varlena macros (VARDATA_ANY and friends) out of postgres.h.
#if PG_VERSION_NUM >= 160000
extern "C" {
#include "varatt.h"
}
#endif

// 15 introduced MarkGUCPrefixReserved; before, the same job was done by EmitWarningsOnPlaceholders.
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

// 18 can carry the module's name and version in its magic block.
#if PG_VERSION_NUM >= 180000
#define PGTALLY_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "pgtally", .version = PGTALLY_VERSION)
#else
#define PGTALLY_MODULE_MAGIC PG_MODULE_MAGIC
#endif

// 14 introduced multiranges.
#if PG_VERSION_NUM >= 140000
extern "C" {
#include "utils/multirangetypes.h"
}
#define PGTALLY_MULTIRANGES
#endif

// 18 wants to be told where index scans are counted.
inline IndexScanDesc begin_index_scan(Relation table, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
    return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
    return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

// Reads an interval as its input function does, but answers false instead of raising: catching would need a subtransaction.
// 15 changed what DecodeInterval fills in.
inline bool decode_interval(const char* given, int32* its_months, int32* its_days, int64* its_microseconds) {
    char work[256];
    char* field[MAXDATEFIELDS];
    int type[MAXDATEFIELDS];
    int count = 0, kind = 0;
    int problem = ParseDateTime(given, work, sizeof work, field, type, MAXDATEFIELDS, &count);
#if PG_VERSION_NUM >= 150000
    struct pg_itm_in parts = {};
    if (problem == 0) problem = DecodeInterval(field, type, count, INTERVAL_FULL_RANGE, &kind, &parts);
    if (problem == DTERR_BAD_FORMAT) problem = DecodeISO8601Interval(pstrdup(given), &kind, &parts);
    Interval span = {};
    if (problem != 0 || kind != DTK_DELTA || itmin2interval(&parts, &span) != 0) return false;
#else
    struct pg_tm parts = {};
    fsec_t fraction = 0;
    if (problem == 0) problem = DecodeInterval(field, type, count, INTERVAL_FULL_RANGE, &kind, &parts, &fraction);
    if (problem == DTERR_BAD_FORMAT) problem = DecodeISO8601Interval(pstrdup(given), &kind, &parts, &fraction);
    Interval span = {};
    if (problem != 0 || kind != DTK_DELTA || tm2interval(&parts, fraction, &span) != 0) return false;
#endif
    *its_months = span.month;
    *its_days = span.day;
    *its_microseconds = span.time;
    return true;
}

// 14 added the hint that an indexed value is unchanged to index_insert.
#if PG_VERSION_NUM >= 140000
#define PGTALLY_INDEX_INSERT(index, values, nulls, tid, heap, check, info) \
    index_insert(index, values, nulls, tid, heap, check, false, info)
#else
#define PGTALLY_INDEX_INSERT(index, values, nulls, tid, heap, check, info) \
    index_insert(index, values, nulls, tid, heap, check, info)
#endif

// 18 wants to be told what ConditionalXactLockTableWait logs.
#if PG_VERSION_NUM >= 180000
#define PGTALLY_CONDITIONAL_XACT_WAIT(xid) ConditionalXactLockTableWait(xid, false)
#else
#define PGTALLY_CONDITIONAL_XACT_WAIT(xid) ConditionalXactLockTableWait(xid)
#endif

// 14 gave hash functions one interface, behind which OpenSSL may stand. SHA-256 of what comes piece by piece; calls
// PostgreSQL.
#if PG_VERSION_NUM >= 140000
extern "C" {
#include "common/cryptohash.h"
}
struct Sha256 {
    static constexpr std::size_t length = 32;
    pg_cryptohash_ctx* hash;  // on an error its resource owner lets go of it

    void begin() {
        hash = pg_cryptohash_create(PG_SHA256);
        if (hash == nullptr || pg_cryptohash_init(hash) < 0) elog(ERROR, "cannot begin a SHA-256 hash");
    }
    void add(const void* bytes, std::size_t count) {
        if (pg_cryptohash_update(hash, static_cast<const uint8*>(bytes), count) < 0)
            elog(ERROR, "cannot update a SHA-256 hash");
    }
    void end(uint8* digest) {
        if (pg_cryptohash_final(hash, digest, length) < 0) elog(ERROR, "cannot finalize a SHA-256 hash");
        pg_cryptohash_free(hash);
    }
};
#else
extern "C" {
#include "common/sha2.h"
}
struct Sha256 {
    static constexpr std::size_t length = PG_SHA256_DIGEST_LENGTH;
    pg_sha256_ctx hash;

    void begin() { pg_sha256_init(&hash); }
    void add(const void* bytes, std::size_t count) { pg_sha256_update(&hash, static_cast<const uint8*>(bytes), count); }
    void end(uint8* digest) { pg_sha256_final(&hash, digest); }
};
#endif

// 14 gave every array type a name.
#ifndef UUIDARRAYOID
#define UUIDARRAYOID 2951
#endif
#ifndef TIMESTAMPTZARRAYOID
#define TIMESTAMPTZARRAYOID 1185
#endif

// 14 lets partitions be listed without those that are being detached, as far as the active snapshot does not see them.
inline PartitionDesc partitions_of(Relation parent) {
#if PG_VERSION_NUM >= 140000
    return RelationGetPartitionDesc(parent, true);
#else
    return RelationGetPartitionDesc(parent);
#endif
}
