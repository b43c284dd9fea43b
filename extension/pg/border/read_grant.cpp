// The grants are few, and read anew at every call: a fact that is remembered may have been revoked since.
#include "pg/border/read_grant.hpp"

#include "pg/border/tenant.hpp"

#include "pg/border/boundary.hpp"

namespace {

// Columns of tally.read_grant, in the order of its definition.
constexpr AttrNumber kTenantId = 1, kRoleName = 2;

// Numbers of the tenants that the caller's role was granted, each once, in the current memory context.
List* granted_tenants() {
    const Oid table = get_relname_relid("read_grant", get_namespace_oid("tally", false));
    if (!OidIsValid(table))
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table tally.read_grant does not exist")));
    Relation const grants = table_open(table, AccessShareLock);
    SysScanDesc const scan = systable_beginscan(grants, InvalidOid, false, GetActiveSnapshot(), 0, nullptr);
    List* tenants = NIL;
    for (HeapTuple row = systable_getnext(scan); HeapTupleIsValid(row); row = systable_getnext(scan)) {
        bool is_null = false;
        const int tenant = DatumGetInt32(heap_getattr(row, kTenantId, RelationGetDescr(grants), &is_null));
        char* const role = TextDatumGetCString(heap_getattr(row, kRoleName, RelationGetDescr(grants), &is_null));
        const Oid granted = get_role_oid(role, true);
        if (OidIsValid(granted) && has_privs_of_role(GetUserId(), granted))
            tenants = list_append_unique_int(tenants, tenant);
    }
    systable_endscan(scan);
    table_close(grants, AccessShareLock);
    return tenants;
}

}  // namespace

bool tally::caller_may_read(std::int32_t tenant) {
    return list_member_int(granted_tenants(), tenant);
}

std::int32_t tally::granted_tenant() {
    List* const tenants = granted_tenants();
    const char* const name = chosen_tenant_name();
    if (name != nullptr) {
        const std::int32_t chosen = tenant_of_name(name);
        if (chosen == 0 || !list_member_int(tenants, chosen))
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            errmsg("role \"%s\" was not granted tenant \"%s\"", GetUserNameFromId(GetUserId(), false), name),
                            errhint("An administrator can change that: SELECT tally.grant_read(role, tenant);")));
        return chosen;
    }
    if (tenants == NIL)
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("role \"%s\" was granted no tenant", GetUserNameFromId(GetUserId(), false)),
                        errhint("An administrator can change that: SELECT tally.grant_read(role, tenant);")));
    if (list_length(tenants) > 1)
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("several tenants were granted and none is chosen"),
                        errhint("Choose one: SET tally.tenant = 'its name'; tally.tenants lists them.")));
    return linitial_int(tenants);
}

// tally._readable_tenants() -> integer[]: what policies of tally_read rest on
TALLY_FUNCTION(readable_tenants) {
    List* const tenants = granted_tenants();
    auto* const numbers = static_cast<Datum*>(palloc(sizeof(Datum) * (static_cast<std::size_t>(list_length(tenants)) + 1)));
    int count = 0;
    ListCell* cell = nullptr;
    foreach (cell, tenants) numbers[count++] = Int32GetDatum(lfirst_int(cell));
    PG_RETURN_ARRAYTYPE_P(construct_array(numbers, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
