// The check of an API key, which every request of the REST API begins with: read straight from the tables, since it is a
// good part of what a small request costs.
#pragma once

#include <cstdint>

#include "core/base/public_id.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

inline constexpr const char* bad_key_message = "the API key is not valid";

struct CheckedKey {
    std::int32_t status = 401;  // 200; 401: no valid key; 403: the scope is missing
    std::int32_t tenant_id = 0;
    UuidBytes key_id{};
};

// Looks the SHA-256 of a key up, as it stands now: one that was revoked is refused from its commit on, whatever the
// transaction's isolation. With status 200 the key and its tenant are authenticated until the end of the transaction.
// Once a minute it is noted that the key was used, where that means no waiting and the transaction may write.
// Needs the rights of tally_owner; calls PostgreSQL.
CheckedKey check_key(Datum key_hash, bool is_null, const char* scope);

}  // namespace tally
