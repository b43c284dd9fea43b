// The settings that say for whom a session acts.
//
// tally.tenant                 anybody may set it: names the tenant that the SQL functions act for. A choice, not a
// right. tally.authenticated_tenant   what a valid API key proved in this transaction. Only superusers and
// _set_authenticated_tenant
//                              (executable by the extension's owner alone) can set it; row level security under the
//                              REST API trusts nothing else. It is a setting and not a variable because settings roll
//                              back with the transaction and travel to parallel workers.
#include "pg/border/tenant.hpp"

#include <limits>

#include "pg/border/boundary.hpp"

namespace {

// Written by PostgreSQL's settings machinery.
constinit char* tenant_setting = nullptr;
constinit int authenticated_tenant = 0;
constinit char* authenticated_key = nullptr;

}  // namespace

void tally::define_tenant_settings() {
    DefineCustomStringVariable("tally.tenant", "Name or id of the tenant that the functions of pgtally act for.",
                               "May stay empty while there is only one tenant.", &tenant_setting, "", PGC_USERSET, 0,
                               nullptr, nullptr, nullptr);
    DefineCustomIntVariable("tally.authenticated_tenant", "Tenant proved by an API key in this transaction.",
                            "Set by tallyd's authentication only; 0 means none.", &authenticated_tenant, 0, 0,
                            std::numeric_limits<int>::max(), PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, nullptr,
                            nullptr, nullptr);
    DefineCustomStringVariable("tally.authenticated_key", "API key that was checked in this transaction.",
                               "Set by tallyd's authentication only; empty means none.", &authenticated_key, "",
                               PGC_SUSET, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, nullptr, nullptr, nullptr);
    MarkGUCPrefixReserved("tally");
}

// tally.authenticated_tenant() -> integer, NULL when no key has been checked in this transaction
TALLY_FUNCTION(authenticated_tenant) {
    if (authenticated_tenant == 0) PG_RETURN_NULL();
    PG_RETURN_INT32(authenticated_tenant);
}

// tally._set_authenticated_tenant(tenant_id integer) -> void; until the end of the transaction
TALLY_FUNCTION(set_authenticated_tenant) {
    char value[16];
    pg_snprintf(value, sizeof value, "%d", PG_GETARG_INT32(0));
    (void)set_config_option("tally.authenticated_tenant", value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
                            false);
    PG_RETURN_VOID();
}

// tally.authenticated_key() -> uuid, NULL when no key has been checked in this transaction
TALLY_FUNCTION(authenticated_key) {
    if (authenticated_key == nullptr || authenticated_key[0] == '\0') PG_RETURN_NULL();
    return DirectFunctionCall1(uuid_in, CStringGetDatum(authenticated_key));
}

// tally._set_authenticated_key(key_id uuid) -> void; until the end of the transaction
TALLY_FUNCTION(set_authenticated_key) {
    const char* value = DatumGetCString(DirectFunctionCall1(uuid_out, PG_GETARG_DATUM(0)));
    (void)set_config_option("tally.authenticated_key", value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
                            false);
    PG_RETURN_VOID();
}
