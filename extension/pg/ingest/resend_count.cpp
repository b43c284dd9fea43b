// See resend_count.hpp. Rows are only inserted, so no call waits for another one.
#include "core/ingest/resends.hpp"

#include <vector>

#include "pg/ingest/resend_count.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/ingest/statement.hpp"

namespace tally {
namespace {

constinit Statement insert_statement{
    "INSERT INTO tally.resend_count (tenant_id, code, day, customer_id, part, duplicates, conflicts) "
    "SELECT $1, n.code, n.day, n.customer_id, $2, n.duplicates, n.conflicts FROM ROWS FROM (pg_catalog.unnest($3), "
    "pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6), pg_catalog.unnest($7)) "
    "n(code, day, customer_id, duplicates, conflicts)",
    7,
    {INT4OID, UUIDOID, TEXTARRAYOID, DATEARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID}};

// What `value` makes of each of the resends, as an array.
template <typename Value>
Datum array_of(const std::vector<Resends>& resends, Oid type, int length, char alignment, Value&& value) {
    auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * resends.size()));
    for (std::size_t i = 0; i < resends.size(); ++i) values[i] = value(resends[i]);
    return PointerGetDatum(construct_array(values, static_cast<int>(resends.size()), type, length, length > 0, alignment));
}

void insert(std::int32_t tenant_id, const std::vector<Resends>& resends) {
    constexpr int epoch = POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE;
    const auto texts = [&](auto&& value) { return array_of(resends, TEXTOID, -1, TYPALIGN_INT, value); };
    const auto numbers = [&](auto&& value) { return array_of(resends, INT8OID, 8, TYPALIGN_DOUBLE, value); };
    SPI_connect();
    const Datum values[] = {Int32GetDatum(tenant_id),
                            DirectFunctionCall1(gen_random_uuid, 0),
                            texts([](const Resends& r) { return text_datum(r.code); }),
                            array_of(resends, DATEOID, 4, TYPALIGN_INT,
                                     [](const Resends& r) { return DateADTGetDatum(static_cast<DateADT>(r.day - epoch)); }),
                            texts([](const Resends& r) { return text_datum(r.customer_id); }),
                            numbers([](const Resends& r) { return Int64GetDatum(r.duplicates); }),
                            numbers([](const Resends& r) { return Int64GetDatum(r.conflicts); })};
    (void)insert_statement.run(values);
    SPI_finish();
}

}  // namespace

void store_resends(std::int32_t tenant_id, const IngestBatch& batch) {
    const std::vector<Resends> resends = resends_of(batch);
    if (!resends.empty()) call_pg([&] { insert(tenant_id, resends); });
}

}  // namespace tally
