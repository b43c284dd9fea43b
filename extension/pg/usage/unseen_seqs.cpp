// tally._unseen_seqs(): which numbers of events the active snapshot does not see. What a cut notes (60-usage/cut.sql).
//
// Recent events are read one by one, and of the segments that may hold such numbers the column of seqs.
#include <algorithm>
#include <vector>

#include "core/segment/reader.hpp"
#include "core/usage/number_gaps.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/columns.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/segment_bytes.hpp"
#include "pg/segment/statement.hpp"
#include "pg/segment/table_read.hpp"

namespace tally {
namespace {

// So many numbers are looked for at once: 16 MB of bits.
constexpr std::int64_t numbers_at_once = std::int64_t{1} << 27;

void meet_recent(NumberGaps& gaps) {
    const TableRead open = call_pg([] { return begin_table(relation_oid("recent_event")); });
    while (call_pg([&] { return next_row(open); })) gaps.meet(DatumGetInt64(column_value(open.slot, recent_seq)));
    call_pg([&] { end_table(open); });
}

void meet_segment(SegmentReader& segment, NumberGaps& gaps, std::vector<std::int64_t>& seqs) {
    seqs.resize(segment_block_rows);
    for (std::uint32_t begin = 0; begin < segment.rows(); begin += segment_block_rows) {
        const std::uint32_t end = std::min(begin + segment_block_rows, segment.rows());
        segment.read_seq(begin, end, seqs.data());
        for (std::uint32_t i = 0; i < end - begin; ++i) gaps.meet(seqs[i]);
    }
}

void meet_partition(Oid partition, std::int64_t first, std::int64_t last, NumberGaps& gaps) {
    std::vector<std::int64_t> seqs;
    const TableRead open = call_pg([&] { return begin_table(partition); });
    while (call_pg([&] { return next_row(open); })) {
        const auto value = [&](SegmentColumn column) { return column_value(open.slot, column); };
        if (DatumGetInt64(value(segment_last_seq)) < first || DatumGetInt64(value(segment_first_seq)) > last) continue;
        MemoryContext const before = MemoryContextSwitchTo(open.memory);
        PgSegmentBytes bytes(value(segment_data));
        SegmentReader segment(bytes);
        meet_segment(segment, gaps, seqs);
        MemoryContextSwitchTo(before);
    }
    call_pg([&] { end_table(open); });
}

std::vector<std::int64_t> unseen_seqs(std::int64_t after, std::int64_t last, const SegmentPartitions& partitions) {
    std::vector<std::int64_t> edges;
    for (std::int64_t first = after + 1; first <= last; first += numbers_at_once) {
        const std::int64_t end = std::min(last, first + numbers_at_once - 1);
        NumberGaps gaps(first, end);
        meet_recent(gaps);
        for (int i = 0; i < partitions.count; ++i) meet_partition(partitions.partitions[i].oid, first, end, gaps);
        gaps.append_to(edges);
    }
    return edges;
}

}  // namespace
}  // namespace tally

// tally._unseen_seqs(after bigint, last bigint) -> bigint[]
TALLY_FUNCTION(unseen_seqs) {
    using namespace tally;
    // Whoever drops a partition waits for this, and so nothing that is listed goes away.
    LockRelationOid(relation_oid("segment"), AccessShareLock);
    const SegmentPartitions partitions = segment_partitions();
    return guarded([&]() -> Datum {
        const std::vector<std::int64_t> edges = unseen_seqs(PG_GETARG_INT64(0), PG_GETARG_INT64(1), partitions);
        return call_pg([&] {
            const auto count = static_cast<int>(edges.size());
            auto* const values = static_cast<Datum*>(palloc(sizeof(Datum) * (edges.size() + 1)));
            for (int i = 0; i < count; ++i) values[i] = Int64GetDatum(edges[static_cast<std::size_t>(i)]);
            return PointerGetDatum(construct_array(values, count, INT8OID, 8, true, TYPALIGN_DOUBLE));
        });
    });
}
