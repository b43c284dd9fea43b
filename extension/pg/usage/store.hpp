// Reading the tables of events by their indexes, with the active snapshot and nothing newer.
//
// Direct access sees neither GRANT nor row level security: who asks must have passed the gate (pg/border/gate.hpp)
// before any of these is made. Relations, scans and pins belong to the resource owner, so an error needs no cleaning
// up; who reads to the end calls close().
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/event/known_at.hpp"
#include "core/usage/limit.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/generation.hpp"

namespace tally {

// Times of core are Unix microseconds, those of PostgreSQL count from 2000. Both ends of time stay what they are.
inline TimestampTz to_postgres(std::int64_t unix_time) {
    return unix_time == INT64_MIN || unix_time == INT64_MAX ? unix_time : unix_time - unix_to_postgres_epoch;
}
inline std::int64_t to_unix(TimestampTz time) {
    return TIMESTAMP_NOT_FINITE(time) ? time : time + unix_to_postgres_epoch;
}

// Keys for a column of times in [from, to); answers how many there are. Calls PostgreSQL.
int range_keys(ScanKey keys, AttrNumber column, TimestampTz from, TimestampTz to);

// A table of schema tally with one of its indexes, open for reading by it. All functions call PostgreSQL.
class IndexReader {
public:
    IndexReader(const char* table, const char* index);
    IndexReader(const IndexReader&) = delete;
    IndexReader& operator=(const IndexReader&) = delete;

    // From here on the rows with these keys, whose sk_attno are columns of the index.
    void scan(ScanKey keys, int count);
    // The next row, in the slot; nullptr at the end.
    TupleTableSlot* next();
    // The next row whose entry in the index passes the test(IndexTuple, TupleDesc), which must not raise: rows of others
    // are not fetched. After scan_entries() only.
    template <typename Test>
    TupleTableSlot* next_of(Test&& test) {
        return call_pg([&]() -> TupleTableSlot* {
            while (index_getnext_tid(scan_, direction_) != nullptr) {
                CHECK_FOR_INTERRUPTS();
                if (test(scan_->xs_itup, scan_->xs_itupdesc) && index_fetch_heap(scan_, slot_)) return slot_;
            }
            return nullptr;
        });
    }
    // As scan(), for next_of(); `backward`: from the last entry to the first.
    void scan_entries(ScanKey keys, int count, bool backward);
    void close();

    Relation table() const noexcept { return table_; }
    IndexScanDesc scan_of_index() const noexcept { return scan_; }

private:
    void begin(int count);

    Relation table_ = nullptr;
    Relation index_ = nullptr;
    IndexScanDesc scan_ = nullptr;
    TupleTableSlot* slot_ = nullptr;
    int keys_ = 0;
    ScanDirection direction_ = ForwardScanDirection;
};

struct RecentEvent {
    std::string_view customer;
    std::string_view properties;  // JSON text
    std::int64_t ts = 0;          // Unix microseconds
    std::int64_t seq = 0;
};

// The recent events of one code of a tenant in [from, to), of all customers or of one. Views are valid until the next
// call.
class RecentEvents {
public:
    RecentEvents(std::int32_t tenant, std::string_view code, std::int64_t from, std::int64_t to);
    RecentEvents(const RecentEvents&) = delete;
    RecentEvents& operator=(const RecentEvents&) = delete;

    void scan_all();
    void scan_customer(std::string_view customer);
    // False at the end.
    bool next(RecentEvent& event);
    void close();

private:
    void scan_generation(int place);
    bool take(TupleTableSlot* slot, RecentEvent& event) const;

    IndexReader reader_;
    Generations live_;
    int place_ = 0;  // in live_
    MemoryContext row_memory_;
    std::int32_t tenant_;
    std::string_view code_;
    std::int32_t code_hash_;
    std::string_view customer_;
    bool one_customer_ = false;
    TimestampTz from_, to_;
};

// The seqs of the voided events of a code in [from, to), ascending; of those that were void at a cut, where `known` is
// given; and of those of them that were amended. What they take is taken from `memory`.
std::vector<std::int64_t> voided_seqs(std::int32_t tenant, std::string_view code, std::int64_t from, std::int64_t to,
                                      MemoryLimit& memory, const KnownAt* known = nullptr);
std::vector<std::int64_t> amended_seqs(std::int32_t tenant, std::string_view code, std::int64_t from, std::int64_t to,
                                       MemoryLimit& memory, const KnownAt* known = nullptr);

}  // namespace tally
