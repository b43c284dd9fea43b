// Who may read which tenant without choosing among all: the grants of tally.grant_read(), in tally.read_grant.
//
// A grant is to a role and whoever has its rights; the role is that of GetUserId(), as for the gate. Grants name roles by
// name, so that a dump keeps them; a name that no role has grants nothing. Both functions call PostgreSQL and read in the
// active snapshot.
#pragma once

#include <cstdint>

namespace tally {

bool caller_may_read(std::int32_t tenant);

// The tenant that a caller with grants alone reads: the one that tally.tenant names, which must be granted, else the only
// one granted. Raises 42501 in the same words for a tenant that is not granted and for one that does not exist, 55000
// where there are several and none is chosen.
std::int32_t granted_tenant();

}  // namespace tally
