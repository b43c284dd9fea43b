// A tenant that has events is not deleted, not even by hand: nothing refers to it from events (no foreign key looks at rows
// that are stored directly, and one on segments would make packing wait), so they would be left behind, and nobody could
// ask for them.
//
// Before the trigger is called the tenant's row is locked: batches that had begun have ended, those that come wait and then
// find no tenant. So what is committed now decides, whatever the transaction's own snapshot shows.
#include "pg/border/gate.hpp"

#include "pg/border/boundary.hpp"
#include "pg/segment/statement.hpp"

namespace {

bool has_events(Datum tenant_id) {
    tally::run_now(
        "SELECT EXISTS (SELECT FROM tally.recent_event e WHERE e.tenant_id = $1)"
        " OR EXISTS (SELECT FROM tally.segment s WHERE s.tenant_id = $1)",
        {{INT4OID, tenant_id}}, SPI_OK_SELECT);
    bool is_null = false;
    return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
}

}  // namespace

// tally._guard_tenant() -> trigger
TALLY_FUNCTION(guard_tenant) {
    if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "tally._guard_tenant() is called by its trigger alone");
    const auto* const call = reinterpret_cast<TriggerData*>(fcinfo->context);
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
    tally::guarded([&] {
        const tally::OwnerRights rights;  // row level security hides events from who may delete
        tally::call_pg([&] {
            bool is_null = false;
            if (has_events(SPI_getbinval(call->tg_trigtuple, call->tg_relation->rd_att, 1, &is_null)))
                ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
                                errmsg("tenant \"%s\" has events, and is not deleted",
                                       SPI_getvalue(call->tg_trigtuple, call->tg_relation->rd_att, 3)),
                                errhint("Revoke its keys: SELECT tally.revoke_api_key(id) FROM tally.api_keys(). "
                                        "Its events go with time: tally.retain().")));
        });
        return true;
    });
    SPI_finish();
    return PointerGetDatum(call->tg_trigtuple);
}
