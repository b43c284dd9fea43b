// Settings that say for whom a session acts, and the tenants that they name. See tenant.cpp.
#pragma once

#include <cstdint>

#include "core/base/public_id.hpp"

namespace tally {

void define_tenant_settings();

// The tenant whose API key was checked in this transaction; 0 if none was.
std::int32_t authenticated_tenant();

// Makes the transaction that of a key which was just checked, and of its tenant, until its end. Calls PostgreSQL.
void authenticate_transaction(std::int32_t tenant, const UuidBytes& key);

// The one of the key, else the one that tally.tenant names, else the only one; raises 42704 or 55000. Says nothing
// about rights: tenant_for_caller (gate.hpp) does. Reads tally.tenant in the active snapshot. Calls PostgreSQL.
std::int32_t current_tenant();

// What the setting tally.tenant holds; nullptr where it is empty. And the tenant of a name or public id, 0 if there is
// none. They say nothing about rights either.
const char* chosen_tenant_name();
std::int32_t tenant_of_name(const char* name);

}  // namespace tally
