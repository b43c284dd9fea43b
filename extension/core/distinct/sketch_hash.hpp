// The 64-bit hash by which an approximate sketch knows a value: made of the key by which tally.distinct_set knows it,
// so that values that are one there are one here. Sketches are stored: nothing here may ever change.
//
// Two 64-bit integers never share a hash; of other values two do with probability 2^-64. Values of different kinds,
// such as 1 and true, may have the same key; their hashes have nothing in common.
#pragma once

#include "core/distinct/distinct_set.hpp"

namespace tally {

constexpr std::uint64_t sketch_hash(SetKind kind, const SetKey& key) noexcept {
    return mix64(key.high ^ (mix64(key.low) + static_cast<std::uint64_t>(kind) * 0xD6E8FEB86659FD93U));
}

}  // namespace tally
