// See cuts.hpp.
#include <algorithm>
#include <cstring>

#include "core/segment/writer.hpp"

#include "pg/segment/cuts.hpp"

#include "pg/border/bigints.hpp"
#include "pg/border/boundary.hpp"
#include "pg/segment/statement.hpp"

namespace tally {

std::vector<KnownAt> cuts_between(std::int32_t tenant_id, std::uint64_t events, std::int64_t first_seq,
                                  std::int64_t last_seq) {
    if (events < least_marked_events) return {};
    call_pg([&] {
        run_now(
            "SELECT c.cut_id, c.last_seq, c.unseen_seqs FROM tally.cut c WHERE (c.tenant_id = $1 OR c.tenant_id IS NULL)"
            " AND c.last_seq >= $2 AND c.last_seq < $3 ORDER BY c.last_seq DESC, c.cut_id DESC LIMIT $4",
            {{INT4OID, Int32GetDatum(tenant_id)},
             {INT8OID, Int64GetDatum(first_seq)},
             {INT8OID, Int64GetDatum(last_seq)},
             {INT4OID, Int32GetDatum(static_cast<std::int32_t>(max_marks))}},
            SPI_OK_SELECT);
    });
    std::vector<KnownAt> cuts(SPI_processed);
    for (std::uint64_t row = 0; row < cuts.size(); ++row) {
        KnownAt& cut = cuts[row];
        const Datum unseen = call_pg([&] {
            std::memcpy(cut.cut.data(), DatumGetUUIDP(answer(row, 1))->data, cut.cut.size());
            cut.last_seq = DatumGetInt64(answer(row, 2));
            return answer(row, 3);
        });
        cut.unseen_seqs = NumberRanges(bigints_of(unseen));
    }
    call_pg([] { SPI_freetuptable(SPI_tuptable); });
    std::reverse(cuts.begin(), cuts.end());
    return cuts;
}

std::vector<KnownAt> cuts_among(std::int32_t tenant_id, std::span<const StoredEvent> events) {
    if (events.empty()) return {};
    const auto [first, last] = std::minmax_element(
        events.begin(), events.end(), [](const StoredEvent& one, const StoredEvent& other) { return one.seq < other.seq; });
    return cuts_between(tenant_id, events.size(), first->seq, last->seq);
}

}  // namespace tally
