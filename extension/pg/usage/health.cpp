// tally._health(): rows of the tenants that the caller sees, read with the rights of tally_owner: a reader of one tenant
// has no right to the tables that tell. Who may see which tenant, row level security of tally.tenant decides, as the
// caller, before anything else.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "pg/border/gate.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/rows.hpp"

namespace tally {
namespace {

void ask(const char* statement) {
    if (SPI_execute(statement, true, 0) != SPI_OK_SELECT) elog(ERROR, "cannot execute: %s", statement);
}

std::vector<std::int32_t> visible_tenants() {
    std::vector<std::int32_t> tenants;
    call_pg([] { ask("SELECT t.tenant_id FROM tally.tenant t"); });
    tenants.reserve(SPI_processed);
    for (std::uint64_t row = 0; row < SPI_processed; ++row) {
        bool null = false;
        tenants.push_back(DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, 1, &null)));
    }
    std::sort(tenants.begin(), tenants.end());
    return tenants;
}

// Columns of tally._store_health(): the tenant's number, and then those of the answer.
void put_rows(ReturnSetInfo* info, const std::vector<std::int32_t>& tenants, bool whole_store) {
    Datum values[32];
    bool nulls[32];
    const int columns = SPI_tuptable->tupdesc->natts;
    if (columns != info->setDesc->natts + 1 || columns > 32) elog(ERROR, "library and SQL differ in version");
    for (std::uint64_t row = 0; row < SPI_processed; ++row) {
        heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, values, nulls);
        const bool visible =
            nulls[0] ? whole_store : std::binary_search(tenants.begin(), tenants.end(), DatumGetInt32(values[0]));
        if (visible) tuplestore_putvalues(info->setResult, info->setDesc, values + 1, nulls + 1);
    }
}

}  // namespace
}  // namespace tally

TALLY_FUNCTION(health) {
    ReturnSetInfo* const info = tally::begin_rows(fcinfo);
    if (SPI_connect() != SPI_OK_CONNECT) elog(ERROR, "SPI_connect failed");
    tally::guarded([&] {
        const std::vector<std::int32_t> tenants = tally::visible_tenants();
        const bool whole_store = tally::call_pg([] { return tally::caller_is_admin(); });
        const tally::OwnerRights rights;
        tally::call_pg([&] {
            tally::ask("SELECT h.* FROM tally._store_health() h");
            tally::put_rows(info, tenants, whole_store);
        });
    });
    SPI_finish();
    PG_RETURN_NULL();
}
