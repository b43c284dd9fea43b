// The settings that say for whom a session acts.
//
// tally.tenant                 anybody may set it: names the tenant that the SQL functions act for. A choice, not a
//                              right.
// tally.authenticated_tenant   what a valid API key proved in this transaction, and which key. Only superusers and the
// tally.authenticated_key      check of a key (pg/rest/key_check) set them; the gate and row level security under the
//                              REST API trust nothing else. They are settings and not variables because settings roll
//                              back with the transaction and travel to parallel workers.
//
// tally.tenant is looked up in the table at every call, by the index: policies call it for every statement, and a fact
// that is remembered may come from a row that was rolled back since.
#include "pg/border/tenant.hpp"

#include <cstring>
#include <limits>

#include "core/base/public_id.hpp"
#include "pg/border/boundary.hpp"

namespace {

// Written by PostgreSQL's settings machinery.
constinit char* tenant_setting = nullptr;
constinit int authenticated_tenant_setting = 0;
constinit char* authenticated_key = nullptr;

// Columns of tally.tenant, in the order of its definition.
constexpr AttrNumber kTenantId = 1, kUid = 2, kName = 3;

// tally.tenant, open for reading, with what its rows are found by. No object with a destructor: errors jump over it,
// and the relation belongs to the resource owner.
struct TenantTable {
    Oid schema;
    Relation relation;
};

TenantTable open_tenants() {
    const Oid schema = get_namespace_oid("tally", false);
    const Oid table = get_relname_relid("tenant", schema);
    if (!OidIsValid(table)) ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("table tally.tenant does not exist")));
    return {schema, table_open(table, AccessShareLock)};
}

// Up to `wanted` ids of tenants, found by one key (by a scan where the index is not there) or all of them. How many.
int find_tenants(const TenantTable& tenants, const char* index_name, ScanKey key, std::int32_t* found, int wanted) {
    const Oid index = index_name == nullptr ? InvalidOid : get_relname_relid(index_name, tenants.schema);
    SysScanDesc scan =
        systable_beginscan(tenants.relation, index, OidIsValid(index), GetActiveSnapshot(), key == nullptr ? 0 : 1, key);
    int count = 0;
    while (count < wanted) {
        HeapTuple row = systable_getnext(scan);
        if (!HeapTupleIsValid(row)) break;
        bool is_null = false;
        found[count++] = DatumGetInt32(heap_getattr(row, kTenantId, RelationGetDescr(tenants.relation), &is_null));
    }
    systable_endscan(scan);
    return count;
}

// The tenant of this name or public id; 0 if there is none.
std::int32_t named_tenant(const TenantTable& tenants, const char* name) {
    std::int32_t found = 0;
    ScanKeyData key;
    ScanKeyEntryInitialize(&key, 0, kName, BTEqualStrategyNumber, TEXTOID, DEFAULT_COLLATION_OID, F_TEXTEQ,
                           CStringGetTextDatum(name));
    if (find_tenants(tenants, "tenant_name_key", &key, &found, 1) != 0) return found;
    std::optional<tally::UuidBytes> uid;  // trivially destructible: may live across PostgreSQL calls
    tally::guarded([&]() -> Datum {
        uid = tally::decode_public_id("ten_", name);
        return 0;
    });
    if (!uid) return 0;
    pg_uuid_t value;
    std::memcpy(value.data, uid->data(), uid->size());
    ScanKeyEntryInitialize(&key, 0, kUid, BTEqualStrategyNumber, UUIDOID, InvalidOid, F_UUID_EQ, UUIDPGetDatum(&value));
    find_tenants(tenants, "tenant_uid_key", &key, &found, 1);
    return found;
}

}  // namespace

std::int32_t tally::authenticated_tenant() {
    return authenticated_tenant_setting;
}

void tally::authenticate_transaction(std::int32_t tenant, const UuidBytes& key) {
    char number[16];
    pg_snprintf(number, sizeof number, "%d", tenant);
    (void)set_config_option("tally.authenticated_tenant", number, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
                            false);
    pg_uuid_t id;
    std::memcpy(id.data, key.data(), key.size());
    const char* const value = DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&id)));
    (void)set_config_option("tally.authenticated_key", value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

const char* tally::chosen_tenant_name() {
    return tenant_setting == nullptr || tenant_setting[0] == '\0' ? nullptr : tenant_setting;
}

std::int32_t tally::tenant_of_name(const char* name) {
    const TenantTable tenants = open_tenants();
    const std::int32_t found = named_tenant(tenants, name);
    table_close(tenants.relation, AccessShareLock);
    return found;
}

std::int32_t tally::current_tenant() {
    if (authenticated_tenant_setting != 0) return authenticated_tenant_setting;
    const TenantTable tenants = open_tenants();
    std::int32_t found[2] = {0, 0};
    if (tenant_setting != nullptr && tenant_setting[0] != '\0') {
        found[0] = named_tenant(tenants, tenant_setting);
        if (found[0] == 0)
            ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("tenant \"%s\" does not exist", tenant_setting),
                            errhint("The setting tally.tenant takes the name or the id of a tenant.")));
    } else {
        const int count = find_tenants(tenants, nullptr, nullptr, found, 2);
        if (count == 0)
            ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("there is no tenant yet"),
                            errhint("Create one: SELECT tally.create_tenant('my-company');")));
        if (count > 1)
            ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                            errmsg("there are several tenants and none is chosen"),
                            errhint("Choose one: SET tally.tenant = 'its name';")));
    }
    table_close(tenants.relation, AccessShareLock);
    return found[0];
}

void tally::define_tenant_settings() {
    DefineCustomStringVariable("tally.tenant", "Name or id of the tenant that the functions of pgtally act for.",
                               "May stay empty while there is only one tenant.", &tenant_setting, "", PGC_USERSET, 0,
                               nullptr, nullptr, nullptr);
    DefineCustomIntVariable("tally.authenticated_tenant", "Tenant proved by an API key in this transaction.",
                            "Set by tallyd's authentication only; 0 means none.", &authenticated_tenant_setting, 0, 0,
                            std::numeric_limits<int>::max(), PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, nullptr,
                            nullptr, nullptr);
    DefineCustomStringVariable("tally.authenticated_key", "API key that was checked in this transaction.",
                               "Set by tallyd's authentication only; empty means none.", &authenticated_key, "", PGC_SUSET,
                               GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, nullptr, nullptr, nullptr);
    MarkGUCPrefixReserved("tally");
}

// tally.authenticated_tenant() -> integer, NULL when no key has been checked in this transaction
TALLY_FUNCTION(authenticated_tenant) {
    if (authenticated_tenant_setting == 0) PG_RETURN_NULL();
    PG_RETURN_INT32(authenticated_tenant_setting);
}

// tally.authenticated_key() -> uuid, NULL when no key has been checked in this transaction
TALLY_FUNCTION(authenticated_key) {
    if (authenticated_key == nullptr || authenticated_key[0] == '\0') PG_RETURN_NULL();
    return DirectFunctionCall1(uuid_in, CStringGetDatum(authenticated_key));
}
