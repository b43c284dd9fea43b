// The gate: who may act for which tenant, decided by the caller's role before anything else is done.
//
// Functions that store run with the rights of tally_owner; the other roles hold SELECT under row level security and
// EXECUTE, and no more. Row level security guards neither the owner nor direct table access, so the check here is the
// wall between tenants. It reads GetUserId(): the role of SET ROLE, or the owner of the SECURITY DEFINER function of a
// user that calls us. So it comes BEFORE any switch of rights; session_user and the setting tally.tenant prove nothing.
//   tally_admin, tally_owner, superusers    any tenant that they name
//   tally_app                               the tenant that the setting tally.tenant names: a choice
//   tally_api                               the tenant whose API key was checked in this transaction, whatever it sets
//   tally_read                              to read alone: one of those that it was granted (pg/border/read_grant.hpp)
//   everybody else                          42501
// All functions here call PostgreSQL and may raise: inside call_pg where C++ objects are alive.
#pragma once

#include <cstdint>

namespace tally {

// The tenant that the caller reads, where the call names none (functions of schema tally).
std::int32_t tenant_for_caller();

// The same for a call that names its tenant (functions of schema tally_rest): answers it, or raises 42501. For
// tally_app it must be the one that it chose.
std::int32_t tenant_for_caller(std::int32_t tenant);

// The same for who stores: grants of reading give no right to it.
std::int32_t tenant_for_change();
std::int32_t tenant_for_change(std::int32_t tenant);

// Whether the caller sees every tenant, and what is of the store as a whole.
bool caller_is_admin();

// First of all in every function that stores: 25006 in a READ ONLY transaction and on a standby, an error in parallel
// mode. Direct table access would not notice. `function` is what the message names, such as "tally.record()".
void require_writable(const char* function);

// The rights of tally_owner for as long as it lives; made after the check, never before. Lives inside `guarded`, with
// the calls of PostgreSQL made under it in call_pg, so that its destructor always runs. (The end of an aborted
// transaction or subtransaction puts the caller back too.) What runs under it may not change roles or run text of the
// caller's.
class OwnerRights {
public:
    OwnerRights();
    OwnerRights(const OwnerRights&) = delete;
    OwnerRights& operator=(const OwnerRights&) = delete;
    ~OwnerRights();

private:
    unsigned caller_ = 0;  // an Oid
    int context_ = 0;
};

}  // namespace tally
