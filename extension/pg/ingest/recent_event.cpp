// Makes heap tuples by hand: the columns of fixed width stand at fixed places, the texts follow as heap_form_tuple would lay
// them out (short ones behind a header of one byte, unaligned).
#include <cstring>

#include "pg/ingest/recent_event.hpp"
#include "pg/border/values.hpp"

namespace tally {
namespace {

constexpr Oid columns[] = {INT4OID, INT4OID, INT4OID, INT4OID, TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID,
                           UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,        JSONOID};
constexpr int key_columns = 6;
constexpr std::size_t fixed_bytes = 40;
constexpr std::size_t uuid_bytes = 16;
constexpr bits8 without_import[] = {0xff & ~(1 << 7), 0x1f};
constexpr std::string_view no_properties = "{}";

constexpr bool is_short(std::size_t length) {
    return length + VARHDRSZ_SHORT <= VARATT_SHORT_MAX;
}

constexpr std::size_t end_of_text(std::size_t at, std::size_t length) {
    return is_short(length) ? at + VARHDRSZ_SHORT + length : INTALIGN(at) + VARHDRSZ + length;
}

std::size_t put_text(char* data, std::size_t at, std::string_view text) {
    if (is_short(text.size())) {
        SET_VARSIZE_SHORT(data + at, text.size() + VARHDRSZ_SHORT);
        std::memcpy(data + at + VARHDRSZ_SHORT, text.data(), text.size());
    } else {
        for (; at != INTALIGN(at); ++at) data[at] = 0;
        SET_VARSIZE(data + at, text.size() + VARHDRSZ);
        std::memcpy(data + at + VARHDRSZ, text.data(), text.size());
    }
    return end_of_text(at, text.size());
}

template <typename Number>
void put(char* data, std::size_t at, Number number) {
    std::memcpy(data + at, &number, sizeof number);
}

HeapTuple new_event(StoreTable& table, const EventOrigin& origin, const EventRow& row) {
    const std::string_view texts[] = {row.code, row.customer_id, row.source, row.event_id,
                                      row.properties.empty() ? no_properties : row.properties};
    const std::size_t start = origin.import_id != nullptr ? fixed_bytes + uuid_bytes : fixed_bytes;
    std::size_t length = start;
    for (const std::string_view text : texts) length = end_of_text(length, text.size());
    char* data = nullptr;
    HeapTuple const tuple = new_row(table, length, origin.import_id != nullptr ? nullptr : without_import, true, &data);
    put(data, 0, origin.generation);
    put(data, 4, origin.tenant_id);
    put(data, 8, row.code_hash);
    put(data, 12, row.customer_hash);
    put(data, 16, row.ts - unix_to_postgres_epoch);
    put(data, 24, row.seq);
    put(data, 32, origin.received_at - unix_to_postgres_epoch);
    if (origin.import_id != nullptr) std::memcpy(data + fixed_bytes, origin.import_id->data(), uuid_bytes);
    std::size_t at = start;
    for (const std::string_view text : texts) at = put_text(data, at, text);
    return tuple;
}

}  // namespace

StoreTable open_event_table() {
    return open_store_table("recent_event", columns, key_columns);
}

void take_event_numbers(std::span<std::int64_t> numbers) {
    // Cuts rely on this order (sql/install/60-usage/cut.sql); claims have seen to it already.
    (void)GetTopTransactionId();
    const Oid sequence = get_relname_relid("event_seq", get_namespace_oid("tally", false));
    for (std::int64_t& number : numbers) number = nextval_internal(sequence, false);
}

void store_events(StoreTable& table, const EventOrigin& origin, std::span<const EventRow> rows,
                  std::span<const std::uint32_t> key_order) {
    const int count = static_cast<int>(rows.size());
    TupleTableSlot** const slots = new_slots(table, count);
    for (int i = 0; i < count; ++i) put_row(slots[i], new_event(table, origin, rows[static_cast<std::size_t>(i)]));
    insert_rows(table, slots, count);
    for (const std::uint32_t place : key_order) {
        const EventRow& row = rows[place];
        Datum key[] = {Int32GetDatum(origin.generation),
                       Int32GetDatum(origin.tenant_id),
                       Int32GetDatum(row.code_hash),
                       Int32GetDatum(row.customer_hash),
                       TimestampTzGetDatum(row.ts - unix_to_postgres_epoch),
                       Int64GetDatum(row.seq)};
        (void)insert_index_entries(table, slots[place], key, UNIQUE_CHECK_YES);
    }
}

}  // namespace tally
