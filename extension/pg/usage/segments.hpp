// The segments of a code of a tenant that a question may need, one after the other.
//
// Partitions are listed here, after the active snapshot was taken: what a snapshot sees in recent_event or in a
// segment, it sees although packing has made a partition and moved rows since its statement was planned. Months outside
// of the range are not opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pg/usage/store.hpp"

namespace tally {

// What stands beside a segment's bytes. Views are valid until the next one is read.
struct SegmentRow {
    std::int64_t segment_id = 0;
    std::int64_t first_ts = 0, last_ts = 0;  // Unix microseconds
    std::int64_t first_seq = 0, last_seq = 0;
    std::string_view first_customer, last_customer, code;
    Datum data = 0;
};

class Segments {
public:
    // Opens the partitions that may hold events of [from, to), oldest months first. Raises 22023 where events of the
    // range have been dropped; a range without a beginning asks for what is kept, and one that begins at the edge for
    // what is left.
    Segments(std::int32_t tenant, std::int64_t from, std::int64_t to, bool begins_at_edge = false);
    Segments(const Segments&) = delete;
    Segments& operator=(const Segments&) = delete;

    // Where the range begins, at the edge if it had no beginning; Unix microseconds.
    std::int64_t from() const { return to_unix(from_); }
    // From here on the segments of this code, or of all, whose times meet the range; of a code also one by its number.
    void scan(const std::optional<std::string_view>& code, std::optional<std::int64_t> segment_id = std::nullopt);
    // False at the end.
    bool next(SegmentRow& segment);
    void close();

private:
    struct Partition {
        Relation table;
        Relation index;
        TupleTableSlot* slot;
    };

    void open_partitions();
    bool take(SegmentRow& segment);

    std::int32_t tenant_;
    TimestampTz from_, to_;
    Relation parent_ = nullptr;
    MemoryContext row_memory_ = nullptr;
    std::vector<Partition> partitions_;
    std::size_t partition_ = 0;
    IndexScanDesc scan_ = nullptr;
    Datum code_ = 0;
    std::int64_t segment_id_ = 0;
    int keys_ = 1;  // how many columns of the key are given
};

}  // namespace tally
