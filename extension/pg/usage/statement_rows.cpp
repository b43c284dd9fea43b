// tally._freeze_lines: what was used in a period, stored as rows of tally.statement_usage as it is made, many rows at a
// time, and digested on the way. To make the rows by SQL, and to read them again for their digest, took two thirds of the
// time that computing them does.
#include <cstdint>
#include <string_view>

#include "pg/border/values.hpp"
#include "pg/ingest/statement.hpp"
#include "pg/ingest/store_table.hpp"
#include "pg/usage/arguments.hpp"
#include "pg/usage/period_lines.hpp"

namespace tally {
namespace {

constexpr Oid columns[] = {INT4OID, UUIDOID, TEXTOID, INT4OID, INT4OID, JSONOID};
constexpr int column_count = sizeof columns / sizeof columns[0];
constexpr int key_columns = 4;
constexpr int rows_at_once = 500;

// Where rows cannot be put into the table directly (pg/ingest/store_table.hpp).
constinit Statement insert_row{
    "INSERT INTO tally.statement_usage (tenant_id, statement_id, customer_id, part, metrics, lines) VALUES ($1, $2, $3, $4, "
    "$5, $6)",
    column_count,
    {INT4OID, UUIDOID, TEXTOID, INT4OID, INT4OID, JSONOID}};

// The digest is that of tally._statement_digest, which reads the rows in the order in which they come here.
class StatementRows final : public PeriodRows {
public:
    // `head`: what the digest begins with.
    StatementRows(std::int32_t tenant, const pg_uuid_t& statement, std::string_view head)
        : tenant_(tenant), statement_(statement) {
        call_pg([&] {
            table_ = open_store_table("statement_usage", columns, key_columns);
            slots_ = new_slots(table_, rows_at_once);
            memory_ = AllocSetContextCreate(CurrentMemoryContext, "tally statement rows", ALLOCSET_DEFAULT_SIZES);
            hash_.begin();
            digest(head);
        });
    }

    void put(std::string_view customer, std::int32_t part, std::int32_t metrics, std::string_view lines) override {
        call_pg([&] {
            CHECK_FOR_INTERRUPTS();
            char begin[16];
            const int length = pg_mbstrlen_with_len(customer.data(), static_cast<int>(customer.size()));
            digest({begin, static_cast<std::size_t>(snprintf(begin, sizeof begin, "\n%d:", length))});
            digest(customer);
            digest("\t");
            digest(lines);
            MemoryContext const before = MemoryContextSwitchTo(memory_);
            Datum* const row = rows_[count_];
            row[0] = Int32GetDatum(tenant_);
            row[1] = UUIDPGetDatum(&statement_);
            row[2] = text_datum(customer);
            row[3] = Int32GetDatum(part);
            row[4] = Int32GetDatum(metrics);
            row[5] = text_datum(lines);
            MemoryContextSwitchTo(before);
            lines_ += metrics;
            if (++count_ == rows_at_once) store();
        });
    }

    // (lines bigint, digest text) of all rows, as a tuple of the function's.
    Datum close(FunctionCallInfo fcinfo) {
        return call_pg([&] {
            store();
            MemoryContextDelete(memory_);
            close_store_table(table_);
            uint8 bytes[Sha256::length];
            hash_.end(bytes);
            char hex[2 * Sha256::length];
            hex_encode(reinterpret_cast<const char*>(bytes), sizeof bytes, hex);
            TupleDesc shape = nullptr;
            if (get_call_result_type(fcinfo, nullptr, &shape) != TYPEFUNC_COMPOSITE) {
                ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("unexpected row type of tally._freeze_lines"),
                                errhint("Run ALTER EXTENSION pgtally UPDATE: library and SQL differ in version.")));
            }
            Datum values[] = {Int64GetDatum(lines_), text_datum({hex, sizeof hex})};
            bool nulls[] = {false, false};
            return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), values, nulls));
        });
    }

private:
    void digest(std::string_view text) { hash_.add(text.data(), text.size()); }

    // Calls PostgreSQL.
    void store() {
        if (count_ == 0) return;
        MemoryContext const before = MemoryContextSwitchTo(memory_);
        if (table_.is_direct) store_directly();
        else store_by_statement();
        MemoryContextSwitchTo(before);
        MemoryContextReset(memory_);
        count_ = 0;
    }
    void store_directly() {
        static constexpr bool no_nulls[column_count] = {};
        for (int i = 0; i < count_; ++i)
            put_row(slots_[i], heap_form_tuple(table_.shape, rows_[i], const_cast<bool*>(no_nulls)));
        insert_rows(table_, slots_, count_);
        for (int i = 0; i < count_; ++i) (void)insert_index_entries(table_, slots_[i], rows_[i], UNIQUE_CHECK_YES);
    }
    void store_by_statement() {
        SPI_connect();
        for (int i = 0; i < count_; ++i) insert_row.run(rows_[i]);
        SPI_finish();
    }

    std::int32_t tenant_;
    pg_uuid_t statement_;
    StoreTable table_;
    TupleTableSlot** slots_ = nullptr;
    MemoryContext memory_ = nullptr;  // of the rows that are not stored yet
    Datum rows_[rows_at_once][column_count] = {};
    int count_ = 0;
    std::int64_t lines_ = 0;
    Sha256 hash_;
};

}  // namespace
}  // namespace tally

// tally._freeze_lines(tenant_id, statement_id, head, metrics tally.metric[], "from", "to", customer) -> (lines, digest)
TALLY_FUNCTION(freeze_lines) {
    using namespace tally;
    require_arguments(fcinfo, 4);  // all but a bound and the customer, which may be left out
    return guarded([&]() -> Datum {
        const std::string head = text_argument(fcinfo, 2).value();
        StatementRows rows(PG_GETARG_INT32(0), *PG_GETARG_UUID_P(1), head);
        count_period(fcinfo, 3, rows);
        return rows.close(fcinfo);
    });
}
