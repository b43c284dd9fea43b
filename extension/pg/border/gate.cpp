// The gate (see gate.hpp), and the one entry behind which all storing functions written in PL/pgSQL stand.
//
// A public function such as tally.create_metric(code, ...) is this C function, SECURITY INVOKER. It decides the tenant
// as the caller, then calls tally_gated.create_metric(tenant_id, code, ...): SECURITY DEFINER of tally_owner, found
// once a query. So PostgreSQL itself switches the rights and puts them back, and what stands in front of the switch is
// here. A schema of their own, which only tally_owner may use: whoever is given EXECUTE on all functions of schema
// tally gets none. Why not a check inside of the SECURITY DEFINER function: current_user is tally_owner there,
// session_user ignores SET ROLE. Why not a public function in SQL that calls the inner one: its caller would need
// EXECUTE on the inner one.
//
// Five entries, by who decides the tenant and what right is needed; the inner function gets the tenant as its first
// argument:
//   gate_chosen          the tenant that the caller acts for                  (tally.create_metric)
//   gate_chosen_admin    the same, for tally_admin only                       (tally.create_api_key)
//   gate_given           the call names it as its first argument              (tally_rest.create_metric)
//   gate_given_admin     the same, for tally_admin or a key with scope admin  (tally_rest.create_key)
//   gate_admin           no tenant at all; for tally_admin only               (tally.create_tenant)
// Inner functions are not STRICT and answer one value: plain, composite or void.
#include "pg/border/gate.hpp"

#include <cstring>

#include "pg/border/read_grant.hpp"
#include "pg/border/tenant.hpp"

#include "pg/border/boundary.hpp"

namespace {

constexpr char kSchema[] = "tally_gated";

bool caller_has(const char* role) {
    const Oid oid = get_role_oid(role, true);
    return OidIsValid(oid) && has_privs_of_role(GetUserId(), oid);
}

using tally::caller_is_admin;

[[noreturn]] void refuse(const char* message, const char* hint) {
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("%s", message), errhint("%s", hint)));
    pg_unreachable();
}

[[noreturn]] void refuse_role(const char* needed) {
    ereport(ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("role \"%s\" may not do this: it is no member of %s", GetUserNameFromId(GetUserId(), false), needed),
             errhint("A superuser can change that: GRANT %s TO ...", needed)));
    pg_unreachable();
}

void require_admin() {
    if (!caller_is_admin()) refuse_role("tally_admin");
}

// Whether the key that was checked in this transaction has the scope admin.
bool is_admin_key() {
    return DatumGetBool(OidFunctionCall0(
        LookupFuncName(list_make2(makeString(pstrdup("tally")), makeString(pstrdup("_is_admin_key"))), 0, nullptr, false)));
}

void require_admin_key() {
    if (!caller_is_admin() && !is_admin_key())
        refuse("this takes an API key with the scope admin", "tally_rest.authenticate(key, 'admin') checks for it.");
}

}  // namespace

namespace {

// Whether nothing but grants lets the caller read. Whoever may choose every tenant needs none.
bool reads_by_grant() {
    return caller_has("tally_read") && !caller_has("tally_app") && !caller_is_admin() &&
           !(caller_has("tally_api") && tally::authenticated_tenant() != 0);
}

}  // namespace

bool tally::caller_is_admin() {
    return caller_has("tally_admin") || caller_has("tally_owner");
}

std::int32_t tally::tenant_for_caller() {
    return reads_by_grant() ? granted_tenant() : tenant_for_change();
}

std::int32_t tally::tenant_for_caller(std::int32_t tenant) {
    if (!reads_by_grant()) return tenant_for_change(tenant);
    if (caller_may_read(tenant)) return tenant;
    refuse("this tenant was not granted to the role",
           "An administrator can change that: SELECT tally.grant_read(role, tenant);");
}

std::int32_t tally::tenant_for_change() {
    if (caller_has("tally_app") || caller_is_admin()) return current_tenant();
    if (!caller_has("tally_api")) refuse_role("tally_app");
    if (authenticated_tenant() == 0)
        refuse("no API key was checked in this transaction", "Call tally_rest.authenticate first, in the same transaction.");
    return authenticated_tenant();
}

// What row level security lets the same roles see, and no more: 90-close/security.sql.
std::int32_t tally::tenant_for_change(std::int32_t tenant) {
    if (caller_is_admin()) return tenant;
    const bool is_api = caller_has("tally_api");
    if (is_api && authenticated_tenant() == tenant) return tenant;
    if (caller_has("tally_app")) {
        if (current_tenant() == tenant) return tenant;
        refuse("the tenant that was chosen is another", "The setting tally.tenant takes the name or the id of a tenant.");
    }
    if (!is_api) refuse_role("tally_api");
    if (authenticated_tenant() == 0)
        refuse("no API key was checked in this transaction", "Call tally_rest.authenticate first, in the same transaction.");
    refuse("the API key that was checked in this transaction is another tenant's",
           "Pass on what tally_rest.authenticate answered.");
}

void tally::require_writable(const char* function) {
    PreventCommandIfReadOnly(function);
    PreventCommandDuringRecovery(function);
    PreventCommandIfParallelMode(function);
}

tally::OwnerRights::OwnerRights() {
    const Oid owner = call_pg([] { return get_role_oid("tally_owner", false); });
    GetUserIdAndSecContext(&caller_, &context_);
    SetUserIdAndSecContext(owner, context_ | SECURITY_LOCAL_USERID_CHANGE);
}

tally::OwnerRights::~OwnerRights() {
    SetUserIdAndSecContext(caller_, context_);
}

namespace {

enum class Tenant { chosen, given, none };

struct Gated {
    FmgrInfo inner;
    char name[2 * NAMEDATALEN + 8];  // tally.create_metric(), for messages
};

// The inner function of a public one: the same name and arguments, after a tenant where one is prepended.
Gated* find_inner(FmgrInfo* outer, bool prepend_tenant) {
    HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(outer->fn_oid));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for function %u", outer->fn_oid);
    auto* procedure = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    Oid types[FUNC_MAX_ARGS];
    int count = 0;
    if (prepend_tenant) types[count++] = INT4OID;
    std::memcpy(types + count, procedure->proargtypes.values, static_cast<std::size_t>(procedure->pronargs) * sizeof(Oid));
    count += procedure->pronargs;
    auto* gated = static_cast<Gated*>(MemoryContextAllocZero(outer->fn_mcxt, sizeof(Gated)));
    pg_snprintf(gated->name, sizeof gated->name, "%s.%s()", get_namespace_name(procedure->pronamespace),
                NameStr(procedure->proname));
    const Oid inner =
        GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, NameGetDatum(&procedure->proname),
                        PointerGetDatum(buildoidvector(types, count)), ObjectIdGetDatum(get_namespace_oid(kSchema, false)));
    ReleaseSysCache(tuple);
    if (!OidIsValid(inner)) elog(ERROR, "%s has no function behind it", gated->name);
    fmgr_info_cxt(inner, &gated->inner, outer->fn_mcxt);
    return gated;
}

// A tenant made earlier in the same statement is there already, as for a function in PL/pgSQL.
std::int32_t chosen_tenant() {
    PushActiveSnapshot(GetTransactionSnapshot());
    const std::int32_t tenant = tally::tenant_for_change();
    PopActiveSnapshot();
    return tenant;
}

Datum pass(FunctionCallInfo fcinfo, Tenant whose, void (*require_right)()) {
    if (fcinfo->flinfo->fn_extra == nullptr) fcinfo->flinfo->fn_extra = find_inner(fcinfo->flinfo, whose == Tenant::chosen);
    auto* gated = static_cast<Gated*>(fcinfo->flinfo->fn_extra);
    LOCAL_FCINFO(call, FUNC_MAX_ARGS);
    const int first = whose == Tenant::chosen ? 1 : 0;
    InitFunctionCallInfoData(*call, &gated->inner, static_cast<short>(fcinfo->nargs + first), fcinfo->fncollation, nullptr,
                             fcinfo->resultinfo);
    std::memcpy(call->args + first, fcinfo->args, static_cast<std::size_t>(fcinfo->nargs) * sizeof(NullableDatum));
    // The one check. Nothing of the caller's was read before, and the rights are the caller's still.
    if (whose == Tenant::chosen) {
        call->args[0] = {Int32GetDatum(chosen_tenant()), false};
    } else if (whose == Tenant::given) {
        if (call->args[0].isnull)
            ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("tenant_id must not be null")));
        call->args[0].value = Int32GetDatum(tally::tenant_for_change(DatumGetInt32(call->args[0].value)));
    }
    if (require_right != nullptr) require_right();
    tally::require_writable(gated->name);
    const Datum result = FunctionCallInvoke(call);
    fcinfo->isnull = call->isnull;
    return result;
}

}  // namespace

TALLY_FUNCTION(gate_chosen) {
    return pass(fcinfo, Tenant::chosen, nullptr);
}

TALLY_FUNCTION(gate_chosen_admin) {
    return pass(fcinfo, Tenant::chosen, require_admin);
}

TALLY_FUNCTION(gate_given) {
    return pass(fcinfo, Tenant::given, nullptr);
}

TALLY_FUNCTION(gate_given_admin) {
    return pass(fcinfo, Tenant::given, require_admin_key);
}

TALLY_FUNCTION(gate_admin) {
    return pass(fcinfo, Tenant::none, require_admin);
}

// tally.current_tenant() -> integer; whoever reads by grants is told of no other tenant, not even that it exists
TALLY_FUNCTION(current_tenant) {
    PG_RETURN_INT32(reads_by_grant() ? tally::granted_tenant() : tally::current_tenant());
}
