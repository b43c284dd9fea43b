// The month's counts that ingest keeps to and counts in (sql/install/50-ingest/limit.sql). Runs with the rights of
// tally_owner.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/ingest/ingest_judge.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

// The shares of the month's counts that a transaction holds: of the tenant, and of each key that sent something.
class MonthShares {
public:
    // `keys`: by BatchBody::sender; none where the events do not come through the API: then nothing is counted or limited.
    MonthShares(std::int32_t tenant_id, std::span<const Hash128> keys) : tenant_id_(tenant_id), keys_(keys) {}

    // Waits for limits, and never in a circle: the tenant's before those of keys, keys in the order of their ids, all before
    // the first event is claimed. After batch.seal().
    MonthLimits take(const IngestBatch& batch);
    // Counts the accepted events, and no others.
    void use(const IngestBatch& batch);

private:
    struct Share {
        Hash128 key{};
        ItemPointerData row{};     // of the shard that is held; once it was taken
        std::int32_t sender = -1;  // -1: the tenant's
    };
    MonthLimit take(Share& share, std::int64_t wanted);

    std::int32_t tenant_id_;
    std::int32_t month_ = 0;  // first day, in days of PostgreSQL
    std::span<const Hash128> keys_;
    std::vector<Share> shares_;
};

}  // namespace tally
