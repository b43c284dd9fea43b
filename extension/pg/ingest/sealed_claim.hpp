// The sealed side of a claim: identities that are no longer in recent_identity but in sealed blocks (pg/identity).
//
// A look before the claim tells of most; it cannot be the last word, for sealing may move an identity between that look and
// the claim: then it is not yet visible in the blocks and no longer in the recent table. So there is a second look, after
// the claim's own rows were put in, with a snapshot taken then (also under REPEATABLE READ), into what was sealed since.
#pragma once

#include <cstdint>
#include <span>

#include "pg/ingest/identity_claim.hpp"

namespace tally {

// Makes unknown keys that are sealed known as stored. Answers up to which run was looked.
std::int64_t look_up_sealed(std::span<ClaimKey> keys);

// Looks for claimed keys in runs that are newer than `looked`. Those that are there must be taken back: they get is_sealed,
// their payload, and are wanted no more. Answers whether there are any.
bool look_again_in_sealed(std::span<ClaimKey> keys, std::int64_t looked);

}  // namespace tally
