// See verify_facts.hpp.
#include <algorithm>
#include <cstring>

#include "pg/segment/verify_facts.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/segment/columns.hpp"
#include "pg/segment/statement.hpp"
#include "pg/segment/table_read.hpp"

namespace tally {
namespace {

// Columns by their numbers, as sql/install/60-usage and 40-event define the tables. Of lifted_correction the first are
// those of correction.
enum { correction_tenant = 1, correction_seq, correction_successor = 11 };
enum { erasure_tenant = 1, erasure_customer = 3, erasure_properties = 5 };
enum { cut_tenant = 1, cut_id, cut_last_seq = 6, cut_unseen_seqs = 7 };

// What clocks are set back by without anybody noticing: less is no damage.
constexpr std::int64_t clock_slack = 60'000'000;

// Calls visit() for each row of a table.
template <typename Visit>
void each_row(const char* table, Visit&& visit) {
    const TableRead open = call_pg([&] { return begin_table(relation_oid(table)); });
    while (call_pg([&] { return next_row(open); })) {
        MemoryContext const before = MemoryContextSwitchTo(open.memory);
        visit(open);
        MemoryContextSwitchTo(before);
    }
    call_pg([&] { end_table(open); });
}

// When a UUIDv7 was made, in Unix microseconds; never where it is none.
std::int64_t made_at(const Hash128& uuid) {
    if (uuid[6] >> 4 != 7) return INT64_MAX;
    std::int64_t milliseconds = 0;
    for (int i = 0; i < 6; ++i) milliseconds = milliseconds << 8 | uuid[static_cast<std::size_t>(i)];
    return (milliseconds + 1) * 1000 + clock_slack;
}

}  // namespace

VerifyFacts::VerifyFacts() {
    read_corrections("correction");
    read_corrections("lifted_correction");
    std::sort(in_corrections_.begin(), in_corrections_.end());
    read_erasures();
    read_cuts();
}

void VerifyFacts::read_corrections(const char* table) {
    each_row(table, [&](const TableRead& open) {
        const std::int32_t tenant = DatumGetInt32(column_value(open.slot, correction_tenant));
        in_corrections_.emplace_back(tenant, DatumGetInt64(column_value(open.slot, correction_seq)));
        if (!column_is_null(open.slot, correction_successor))
            in_corrections_.emplace_back(tenant, DatumGetInt64(column_value(open.slot, correction_successor)));
    });
}

void VerifyFacts::read_erasures() {
    each_row("erasure", [&](const TableRead& open) {
        struct Erased {
            std::string_view customer;
            bool has_properties;
        };
        const Erased erased = call_pg([&] {
            return Erased{view_of(DatumGetTextPP(column_value(open.slot, erasure_customer))),
                          ARR_NDIM(DatumGetArrayTypeP(column_value(open.slot, erasure_properties))) > 0};
        });
        if (erased.has_properties)
            erased_customers_.emplace(DatumGetInt32(column_value(open.slot, erasure_tenant)), erased.customer);
    });
}

void VerifyFacts::read_cuts() {
    each_row("cut", [&](const TableRead& open) {
        struct Edges {
            Datum* values;
            bool* nulls;
            int count;
        };
        const Edges edges = call_pg([&] {
            Edges found{};
            deconstruct_array(DatumGetArrayTypeP(column_value(open.slot, cut_unseen_seqs)), INT8OID, 8, FLOAT8PASSBYVAL,
                              TYPALIGN_DOUBLE, &found.values, &found.nulls, &found.count);
            return found;
        });
        std::vector<std::int64_t> unseen;
        for (int i = 0; i < edges.count; ++i)
            if (!edges.nulls[i]) unseen.push_back(DatumGetInt64(edges.values[i]));
        // What are no ranges is told by itself (tally._problems), and says nothing here.
        if (unseen.size() % 2 != 0 || !std::is_sorted(unseen.begin(), unseen.end())) return;
        CutSight& cut = cuts_.emplace_back();
        std::memcpy(cut.cut_id.data(), DatumGetUUIDP(column_value(open.slot, cut_id))->data, cut.cut_id.size());
        cut.tenant_id = column_is_null(open.slot, cut_tenant) ? 0 : DatumGetInt32(column_value(open.slot, cut_tenant));
        cut.last_seq = DatumGetInt64(column_value(open.slot, cut_last_seq));
        cut.made_at = made_at(cut.cut_id);
        cut.unseen = NumberRanges(std::move(unseen));
    });
    std::sort(cuts_.begin(), cuts_.end(),
              [](const CutSight& left, const CutSight& right) { return left.last_seq < right.last_seq; });
    first_made_.resize(cuts_.size());
    std::int64_t first = INT64_MAX;
    for (std::size_t i = cuts_.size(); i-- > 0;) first_made_[i] = first = std::min(first, cuts_[i].made_at);
}

bool VerifyFacts::is_in_correction(std::int32_t tenant_id, std::int64_t seq) const {
    return std::binary_search(in_corrections_.begin(), in_corrections_.end(), std::pair(tenant_id, seq));
}

bool VerifyFacts::is_erased(std::int32_t tenant_id, std::string_view customer_id) const {
    return !erased_customers_.empty() && erased_customers_.contains({tenant_id, std::string(customer_id)});
}

void VerifyFacts::see(const StoredEvent& event) {
    const auto from = std::lower_bound(cuts_.begin(), cuts_.end(), event.seq,
                                       [](const CutSight& cut, std::int64_t seq) { return cut.last_seq < seq; });
    if (from == cuts_.end() || event.received_at <= first_made_[static_cast<std::size_t>(from - cuts_.begin())]) return;
    for (auto cut = from; cut != cuts_.end(); ++cut)
        if (event.received_at > cut->made_at && !cut->unseen.holds(event.seq)) ++cut->received_later;
}

}  // namespace tally
