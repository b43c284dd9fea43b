// See key_check.hpp. Direct table access looks at no right and no policy: whoever may call this may ask about any key, by
// the hash of its secret.
#include <cstring>
#include <string_view>

#include "pg/border/gate.hpp"
#include "pg/border/tenant.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/ingest/statement.hpp"
#include "pg/rest/key_check.hpp"
#include "pg/segment/statement.hpp"

namespace {

// Columns of tally.api_key and tally.key_use, in the order of their definitions.
constexpr AttrNumber kKeyId = 1, kTenantId = 2, kSecretHash = 4, kScopes = 6, kExpiresAt = 8, kRevokedAt = 9;
constexpr AttrNumber kUseKeyId = 1, kLastUsedAt = 3;

constinit tally::Statement use_statement{
    "UPDATE tally.key_use w SET last_used_at = pg_catalog.date_trunc('milliseconds', $2) WHERE w.key_id "
    "OPERATOR(pg_catalog.=) (SELECT u.key_id FROM tally.key_use u WHERE u.key_id OPERATOR(pg_catalog.=) $1 "
    "AND (u.last_used_at OPERATOR(pg_catalog.<) ($2 OPERATOR(pg_catalog.-) '1 minute'::pg_catalog.interval)) IS NOT FALSE "
    "FOR UPDATE SKIP LOCKED)",
    2,
    {UUIDOID, TIMESTAMPTZOID}};

struct TableRow {
    Relation table;
    SysScanDesc scan;
    HeapTuple row;  // invalid where there is none

    Datum value(AttrNumber column, bool& is_null) const {
        return heap_getattr(row, column, RelationGetDescr(table), &is_null);
    }
};

TableRow find_row(const char* table, const char* index, ScanKeyData key, Snapshot snapshot) {
    TableRow found{};
    found.table = table_open(tally::relation_oid(table), AccessShareLock);
    found.scan = systable_beginscan(found.table, tally::relation_oid(index), true, snapshot, 1, &key);
    found.row = systable_getnext(found.scan);
    return found;
}

void forget_row(const TableRow& found) {
    systable_endscan(found.scan);
    table_close(found.table, AccessShareLock);
}

bool is_among(Datum scopes, std::string_view wanted, std::string_view or_this) {
    Datum* values = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(scopes), TEXTOID, -1, false, TYPALIGN_INT, &values, nullptr, &count);
    for (int i = 0; i < count; ++i) {
        const std::string_view scope = tally::view_of(DatumGetTextPP(values[i]));
        if (scope == wanted || scope == or_this) return true;
    }
    return false;
}

tally::CheckedKey find_key(Datum key_hash, const char* scope, TimestampTz now, Snapshot snapshot) {
    ScanKeyData wanted;
    ScanKeyEntryInitialize(&wanted, 0, kSecretHash, BTEqualStrategyNumber, BYTEAOID, InvalidOid, F_BYTEAEQ, key_hash);
    const TableRow found = find_row("api_key", "api_key_secret_hash_key", wanted, snapshot);
    tally::CheckedKey key;
    if (HeapTupleIsValid(found.row)) {
        bool is_null = false, stands = false, is_endless = false;
        (void)found.value(kRevokedAt, stands);
        const TimestampTz end = DatumGetTimestampTz(found.value(kExpiresAt, is_endless));
        key.tenant_id = DatumGetInt32(found.value(kTenantId, is_null));
        std::memcpy(key.key_id.data(), DatumGetUUIDP(found.value(kKeyId, is_null))->data, key.key_id.size());
        if (stands && (is_endless || end > now))
            key.status = is_among(found.value(kScopes, is_null), scope, "admin") ? 200 : 403;
    }
    forget_row(found);
    return key;
}

void note_use(const tally::UuidBytes& key_id, TimestampTz now, Snapshot snapshot) {
    pg_uuid_t id;
    std::memcpy(id.data, key_id.data(), key_id.size());
    ScanKeyData wanted;
    ScanKeyEntryInitialize(&wanted, 0, kUseKeyId, BTEqualStrategyNumber, UUIDOID, InvalidOid, F_UUID_EQ, UUIDPGetDatum(&id));
    const TableRow found = find_row("key_use", "key_use_pkey", wanted, snapshot);
    bool never = true;
    const TimestampTz last = HeapTupleIsValid(found.row) ? DatumGetTimestampTz(found.value(kLastUsedAt, never)) : 0;
    const bool is_due = HeapTupleIsValid(found.row) && (never || last < now - USECS_PER_MINUTE);
    forget_row(found);
    if (!is_due || XactReadOnly) return;
    SPI_connect();
    const Datum values[] = {UUIDPGetDatum(&id), TimestampTzGetDatum(now)};
    (void)use_statement.run(values);
    SPI_finish();
}

}  // namespace

tally::CheckedKey tally::check_key(Datum key_hash, bool is_null, const char* scope) {
    if (is_null) return {};
    const TimestampTz now = GetCurrentTimestamp();
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    const CheckedKey key = find_key(key_hash, scope, now, snapshot);
    if (key.status == 200) {
        authenticate_transaction(key.tenant_id, key.key_id);
        note_use(key.key_id, now, snapshot);
    }
    UnregisterSnapshot(snapshot);
    return key;
}

// tally_rest.authenticate(key_hash bytea, scope text) -> integer
TALLY_FUNCTION(authenticate) {
    const bool is_null = PG_ARGISNULL(0);
    const Datum key_hash = PG_GETARG_DATUM(0);
    const char* const scope = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
    return tally::guarded([&]() -> Datum {
        const tally::OwnerRights rights;
        const tally::CheckedKey key = tally::call_pg([&] { return tally::check_key(key_hash, is_null, scope); });
        if (key.status == 200) return Int32GetDatum(key.tenant_id);
        tally::call_pg([&] {
            if (key.status == 401)
                ereport(ERROR, (errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION), errmsg("%s", tally::bad_key_message)));
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("this API key lacks the scope \"%s\"", scope)));
        });
        return 0;
    });
}

// tally_rest._bad_key() -> text
TALLY_FUNCTION(bad_key) {
    PG_RETURN_TEXT_P(cstring_to_text(tally::bad_key_message));
}
