// One unit of adopting: loose segments of a pile, which ingest made, become packing's, in one transaction with the life
// totals that cover them from then on.
#include <memory>

#include "core/segment/reader.hpp"

#include "pg/segment/pack.hpp"
#include "pg/usage/life_total.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/partition_list.hpp"
#include "pg/segment/pile.hpp"
#include "pg/segment/statement.hpp"

namespace tally {
namespace {

constexpr int piles_at_once = 10'000;
constexpr int segments_at_once = 8;

struct LooseSegment {
    StoredSegment segment;
    bool is_there = false;  // retention may have been faster
    SegmentKey key;
};

// The first ones; nobody else adopts while the lock is held.
std::vector<LooseSegment> find_loose(const PileKey& pile) {
    call_pg([&] {
        run_now(
            "SELECT l.segment_id, l.month, s.tableoid, s.ctid, s.code FROM tally.loose_segment l LEFT JOIN tally.segment s"
            " ON s.tenant_id = l.tenant_id AND s.segment_id = l.segment_id AND s.month = l.month"
            " WHERE l.tenant_id = $1 AND l.code_hash = $2 ORDER BY l.segment_id LIMIT $3",
            {{INT4OID, Int32GetDatum(pile.tenant_id)},
             {INT4OID, Int32GetDatum(pile.code_hash)},
             {INT4OID, Int32GetDatum(segments_at_once)}},
            SPI_OK_SELECT);
    });
    std::vector<LooseSegment> found(SPI_processed);
    for (std::uint64_t row = 0; row < found.size(); ++row) {
        LooseSegment& loose = found[row];
        const std::string_view code = call_pg([&]() -> std::string_view {
            bool is_missing = false;
            loose.segment.segment_id = DatumGetInt64(answer(row, 1));
            loose.segment.partition = DatumGetObjectId(answer(row, 3, &is_missing));
            if (is_missing) return {};
            loose.is_there = true;
            ItemPointerCopy(reinterpret_cast<ItemPointer>(DatumGetPointer(answer(row, 4))), &loose.segment.place);
            return view_of(DatumGetTextPP(answer(row, 5)));
        });
        loose.key = {pile.tenant_id, std::string(code), month_of_date(DatumGetDateADT(answer(row, 2)))};
    }
    call_pg([] { SPI_freetuptable(SPI_tuptable); });
    return found;
}

void add_to_totals(const LooseSegment& loose, LifeTotals& totals) {
    SegmentInMemory bytes(segment_bytes(loose.segment));
    SegmentReader reader(bytes);
    totals.add(loose.key.code, reader);
    SegmentDictionary& sources = reader.sources();
    for (std::uint32_t code = 0; code < sources.size(); ++code) totals.note_source(loose.key.code, sources.entry(code).text);
}

void forget_note(const PileKey& pile, std::int64_t segment_id) {
    call_pg([&] {
        run_now("DELETE FROM tally.loose_segment l WHERE l.tenant_id = $1 AND l.code_hash = $2 AND l.segment_id = $3",
                {{INT4OID, Int32GetDatum(pile.tenant_id)},
                 {INT4OID, Int32GetDatum(pile.code_hash)},
                 {INT8OID, Int64GetDatum(segment_id)}},
                SPI_OK_DELETE);
    });
}

}  // namespace

void plan_adoptions(PackQueue& queue) {
    call_pg([] {
        run_now("SELECT DISTINCT l.tenant_id, l.code_hash FROM tally.loose_segment l LIMIT $1",
                {{INT4OID, Int32GetDatum(piles_at_once)}}, SPI_OK_SELECT);
    });
    std::vector<std::int32_t> tenant_ids, code_hashes;
    for (std::uint64_t row = 0; row < SPI_processed; ++row) {
        queue.loose.push_back({DatumGetInt32(answer(row, 1)), DatumGetInt32(answer(row, 2))});
        tenant_ids.push_back(queue.loose.back().tenant_id);
        code_hashes.push_back(queue.loose.back().code_hash);
    }
    call_pg([&] {
        SPI_freetuptable(SPI_tuptable);
        if (!tenant_ids.empty()) make_piles(tenant_ids.data(), code_hashes.data(), static_cast<int>(tenant_ids.size()));
    });
}

bool adopt_segments(PackQueue& queue, const PileKey& pile) {
    if (call_pg([&] { return lock_pile(pile.tenant_id, pile.code_hash); }) != PileLock::held) return false;
    Snapshot const snapshot = call_pg([] { return RegisterSnapshot(GetLatestSnapshot()); });
    const std::vector<LooseSegment> found = find_loose(pile);
    if (!found.empty()) {
        LifeTotals totals(pile.tenant_id, pile.code_hash, snapshot);
        for (const LooseSegment& loose : found) {
            if (loose.is_there) {
                add_to_totals(loose, totals);
                note_once(queue.merges, loose.key);
            }
            forget_note(pile, loose.segment.segment_id);
        }
        totals.store(0);
        if (totals.is_behind()) note_once(queue.totals, pile);
    }
    call_pg([&] { UnregisterSnapshot(snapshot); });
    return !found.empty();
}

}  // namespace tally
