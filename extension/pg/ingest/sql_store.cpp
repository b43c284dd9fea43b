// Set-based statements: see sql_store.hpp.
#include <algorithm>

#include "pg/ingest/sql_store.hpp"
#include "pg/border/values.hpp"
#include "pg/ingest/statement.hpp"

namespace tally::sql_store {
namespace {

constinit Statement look_statement{
    "SELECT i.identity, i.payload FROM tally.recent_identity i WHERE i.identity OPERATOR(pg_catalog.=) ANY ($1)",
    1,
    {UUIDARRAYOID}};

constinit Statement claim_statement{
    "INSERT INTO tally.recent_identity (identity, payload, tenant_id, month) SELECT n.identity, n.payload, $4, n.month "
    "FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) WITH ORDINALITY "
    "n(identity, payload, month, place) ORDER BY n.place ON CONFLICT DO NOTHING RETURNING identity, payload",
    4,
    {UUIDARRAYOID, INT8ARRAYOID, INT4ARRAYOID, INT4OID}};

constinit Statement withdraw_statement{
    "DELETE FROM tally.recent_identity i WHERE i.identity OPERATOR(pg_catalog.=) ANY ($1)", 1, {UUIDARRAYOID}};

constinit Statement store_statement{
    "INSERT INTO tally.recent_event (generation, tenant_id, code_hash, customer_hash, ts, received_at, import_id, code, "
    "customer_id, source, "
    "event_id, properties) SELECT $10, $6, tally._hash32(n.code), tally._hash32(n.customer_id), n.ts, $7, $8, n.code, "
    "n.customer_id, "
    "n.source, n.event_id, n.properties::pg_catalog.json FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), "
    "pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($9)) WITH ORDINALITY "
    "n(ts, code, customer_id, source, event_id, properties, place) ORDER BY n.place",
    10,
    {TIMESTAMPTZARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT4OID, TIMESTAMPTZOID, UUIDOID,
     TEXTARRAYOID, INT4OID}};

// Values of one column as an array.
struct Column {
    Datum* values;
    std::size_t count = 0;

    explicit Column(std::size_t most)
        : values(static_cast<Datum*>(palloc(sizeof(Datum) * std::max<std::size_t>(most, 1)))) {}
    void add(Datum value) { values[count++] = value; }
    Datum array(Oid type, int length, bool by_value, char alignment) const {
        return PointerGetDatum(construct_array(values, static_cast<int>(count), type, length, by_value, alignment));
    }
    Datum uuids() const { return array(UUIDOID, UUID_LEN, false, TYPALIGN_CHAR); }
    Datum texts() const { return array(TEXTOID, -1, false, TYPALIGN_INT); }
    Datum numbers(Oid type) const { return array(type, 8, true, TYPALIGN_DOUBLE); }
    Datum integers() const { return array(INT4OID, 4, true, TYPALIGN_INT); }
};

bool is_to_be_claimed(const ClaimKey& key) {
    return key.is_wanted && key.state == ClaimKey::State::unknown;
}

// Gives the keys that a statement answered their new state; keys are in the order of their bytes.
void mark(std::span<ClaimKey> keys, std::uint64_t rows, ClaimKey::State state) {
    for (std::uint64_t i = 0; i < rows; ++i) {
        bool is_null = false;
        HeapTuple const row = SPI_tuptable->vals[i];
        const pg_uuid_t* uuid = DatumGetUUIDP(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &is_null));
        Hash128 wanted;
        std::copy_n(uuid->data, wanted.size(), wanted.begin());
        const auto found = std::lower_bound(keys.begin(), keys.end(), wanted,
                                            [](const ClaimKey& key, const Hash128& value) { return key.key < value; });
        if (found == keys.end() || found->key != wanted) continue;
        found->state = state;
        found->payload = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &is_null));
    }
}

}  // namespace

void look_up_identities(std::span<ClaimKey> keys) {
    SPI_connect();
    Column wanted(keys.size());
    for (const ClaimKey& key : keys)
        if (key.state == ClaimKey::State::unknown) wanted.add(PointerGetDatum(key.key.data()));
    const Datum values[] = {wanted.uuids()};
    mark(keys, look_statement.run(values), ClaimKey::State::stored);
    SPI_finish();
}

void claim_identities(std::int32_t tenant_id, std::span<ClaimKey> keys) {
    // What was in the way and is gone when it is looked for is claimed again.
    while (std::any_of(keys.begin(), keys.end(), is_to_be_claimed)) {
        SPI_connect();
        Column identities(keys.size());
        Column payloads(keys.size());
        Column months(keys.size());
        for (const ClaimKey& key : keys) {
            if (!is_to_be_claimed(key)) continue;
            identities.add(PointerGetDatum(key.key.data()));
            payloads.add(Int64GetDatum(key.payload));
            months.add(Int32GetDatum(key.month));
        }
        const Datum values[] = {identities.uuids(), payloads.numbers(INT8OID), months.integers(), Int32GetDatum(tenant_id)};
        mark(keys, claim_statement.run(values), ClaimKey::State::claimed);
        SPI_finish();
        look_up_identities(keys);
        CHECK_FOR_INTERRUPTS();
    }
}

void withdraw_identities(std::span<ClaimKey> keys) {
    SPI_connect();
    Column given(keys.size());
    for (ClaimKey& key : keys) {
        if (key.state != ClaimKey::State::claimed || key.is_wanted) continue;
        given.add(PointerGetDatum(key.key.data()));
        key.state = ClaimKey::State::unknown;
    }
    const Datum values[] = {given.uuids()};
    (void)withdraw_statement.run(values);
    SPI_finish();
}

void store_events(const EventOrigin& origin, std::span<const EventRow> rows) {
    SPI_connect();
    Column ts(rows.size());
    Column codes(rows.size());
    Column customers(rows.size());
    Column sources(rows.size());
    Column ids(rows.size());
    Column properties(rows.size());
    for (const EventRow& row : rows) {
        ts.add(TimestampTzGetDatum(row.ts - unix_to_postgres_epoch));
        codes.add(text_datum(row.code));
        customers.add(text_datum(row.customer_id));
        sources.add(text_datum(row.source));
        ids.add(text_datum(row.event_id));
        properties.add(text_datum(row.properties.empty() ? std::string_view("{}") : row.properties));
    }
    const Datum values[] = {ts.numbers(TIMESTAMPTZOID),
                            codes.texts(),
                            customers.texts(),
                            sources.texts(),
                            ids.texts(),
                            Int32GetDatum(origin.tenant_id),
                            TimestampTzGetDatum(origin.received_at - unix_to_postgres_epoch),
                            PointerGetDatum(origin.import_id != nullptr ? origin.import_id->data() : nullptr),
                            properties.texts(),
                            Int32GetDatum(origin.generation)};
    (void)store_statement.run(values, origin.import_id != nullptr ? nullptr : "       n  ");
    SPI_finish();
}

}  // namespace tally::sql_store
