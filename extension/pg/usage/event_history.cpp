// Looked up by SQL, with the rights of the owner: whoever may list events may see what was done to them.
#include <cstring>

#include "core/event/erasure.hpp"

#include "pg/usage/event_history.hpp"

#include "pg/border/gate.hpp"
#include "pg/border/values.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

constinit SPIPlanPtr plan = nullptr;

// Most tenants have corrected nothing: two looks into indexes tell so.
bool has_any(std::int32_t tenant, const char* table, const char* index) {
    IndexReader reader(table, index);
    ScanKeyData key;
    call_pg([&] { ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(tenant)); });
    reader.scan(&key, 1);
    const bool found = reader.next() != nullptr;
    reader.close();
    return found;
}

Hash128 identity_of(std::int32_t tenant, const FoundEvent& event) {
    FieldBytes scratch;
    return stored_identity(tenant, event.customer_id, event.source, event.event_id, scratch);
}

// Calls PostgreSQL; answers how many rows SPI_tuptable has.
std::uint64_t find_acts(std::int32_t tenant, std::span<const Hash128> identities, const char* cut) {
    SPI_connect();
    if (plan == nullptr) {
        Oid types[] = {INT4OID, UUIDARRAYOID, TEXTOID};
        SPIPlanPtr const made = SPI_prepare(
            "SELECT h.identity, h.seq, h.act_done::pg_catalog.text FROM tally_rest._event_histories($1, $2, $3) h", 3,
            types);
        if (made == nullptr || SPI_keepplan(made) != 0) elog(ERROR, "cannot prepare the look-up of histories");
        plan = made;
    }
    auto* const elements = static_cast<Datum*>(palloc(sizeof(Datum) * identities.size()));
    for (std::size_t i = 0; i < identities.size(); ++i) elements[i] = PointerGetDatum(identities[i].data());
    Datum values[] = {Int32GetDatum(tenant),
                      PointerGetDatum(construct_array(elements, static_cast<int>(identities.size()), UUIDOID, UUID_LEN,
                                                      false, TYPALIGN_CHAR)),
                      cut != nullptr ? CStringGetTextDatum(cut) : Datum{0}};
    if (SPI_execute_plan(plan, values, cut != nullptr ? "   " : "  n", true, 0) != SPI_OK_SELECT)
        elog(ERROR, "cannot look up histories");
    return SPI_processed;
}

}  // namespace

EventHistories::EventHistories(std::int32_t tenant, std::span<const FoundEvent> events,
                               const std::optional<std::string>& cut)
    : events_(events) {
    if (events.empty() || !(has_any(tenant, "correction", "correction_pkey") ||
                            has_any(tenant, "lifted_correction", "lifted_correction_pkey")))
        return;
    for (const FoundEvent& event : events) identities_.push_back(identity_of(tenant, event));
    look_up(tenant, cut);
}

void EventHistories::look_up(std::int32_t tenant, const std::optional<std::string>& cut) {
    const OwnerRights rights;
    const std::uint64_t rows = call_pg([&] { return find_acts(tenant, identities_, cut ? cut->c_str() : nullptr); });
    for (std::uint64_t row = 0; row < rows; ++row) {
        Hash128 identity;
        std::int64_t seq = 0;
        const char* const json = call_pg([&] {
            bool is_null = false;
            HeapTuple const tuple = SPI_tuptable->vals[row];
            TupleDesc const shape = SPI_tuptable->tupdesc;
            std::memcpy(identity.data(), DatumGetUUIDP(SPI_getbinval(tuple, shape, 1, &is_null))->data, identity.size());
            seq = DatumGetInt64(SPI_getbinval(tuple, shape, 2, &is_null));
            return TextDatumGetCString(SPI_getbinval(tuple, shape, 3, &is_null));
        });
        acts_[identity].push_back({seq, json});
    }
    call_pg([] { SPI_finish(); });
}

std::string EventHistories::of(std::size_t place) const {
    std::string json;
    if (acts_.empty()) return json;
    const auto found = acts_.find(identities_[place]);
    if (found == acts_.end()) return json;
    for (const Act& act : found->second) {
        if (act.seq > events_[place].seq) continue;
        json += json.empty() ? "[" : ", ";
        json += act.json;
    }
    return json.empty() ? json : json + ']';
}

}  // namespace tally
