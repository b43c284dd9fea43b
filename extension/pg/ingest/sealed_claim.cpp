// Looking for keys of a batch among sealed identities, as sealed_claim.hpp says.
#include "core/segment/partition.hpp"

#include "pg/segment/retention_edge.hpp"

#include "pg/identity/sealed_store.hpp"
#include "pg/ingest/sealed_claim.hpp"

namespace tally {
namespace {

// Looks for the keys in a state; calls use(key, match) for those that are found. Answers the newest run.
template <typename Use>
std::int64_t find_keys(std::span<ClaimKey> keys, ClaimKey::State state, std::int64_t newer_than, Use use) {
    auto* const wanted = static_cast<ClaimKey**>(palloc(sizeof(void*) * (keys.size() + 1)));
    auto* const hashes = static_cast<Hash128*>(palloc(sizeof(Hash128) * (keys.size() + 1)));
    int count = 0;
    for (ClaimKey& key : keys) {
        if (key.state != state) continue;
        wanted[count] = &key;
        hashes[count++] = key.key;
    }
    auto* const matches = static_cast<SealedMatch*>(palloc(sizeof(SealedMatch) * (keys.size() + 1)));
    Snapshot const snapshot = RegisterSnapshot(GetLatestSnapshot());
    const SealedStore store = open_sealed_store(snapshot, AccessShareLock);
    const std::int64_t newest = find_sealed(store, hashes, count, matches, {false, newer_than});
    close_sealed_store(store);
    UnregisterSnapshot(snapshot);
    // An identity of what retention has dropped is none, if merging has yet to take it out of its run.
    std::int64_t edge = INT64_MIN;
    for (int i = 0, found = 0; i < count; ++i) {
        if (!matches[i].found) continue;
        if (++found == 1) edge = retained_from();
        if (edge == INT64_MIN || matches[i].month >= month_of(edge)) use(*wanted[i], matches[i]);
    }
    return newest;
}

}  // namespace

std::int64_t look_up_sealed(std::span<ClaimKey> keys) {
    return find_keys(keys, ClaimKey::State::unknown, 0, [](ClaimKey& key, const SealedMatch& match) {
        key.state = ClaimKey::State::stored;
        key.payload = match.payload;
    });
}

bool look_again_in_sealed(std::span<ClaimKey> keys, std::int64_t looked) {
    bool any = false;
    find_keys(keys, ClaimKey::State::claimed, looked, [&any](ClaimKey& key, const SealedMatch& match) {
        key.is_sealed = true;
        key.is_wanted = false;
        key.payload = match.payload;
        any = true;
    });
    return any;
}

}  // namespace tally
