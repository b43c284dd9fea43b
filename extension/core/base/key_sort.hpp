// Sorting and merging the keys of tally.distinct_set (core/distinct/set_key.hpp): fixed slots of 8 or 16 bytes.
//
// Keys are distributed by the highest bits in which they differ, 8 bits at a time: hashed keys lie evenly, so that once
// leaves nearly nothing to sort, and numbers of a small range need one or two turns. Keys that somebody has chosen to
// lie otherwise cost more turns, at most one for each bit pattern of 8 and never a quadratic time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/distinct/set_key.hpp"

namespace tally {

struct NarrowSlot {
    std::uint64_t high;
    static constexpr NarrowSlot of(const SetKey& key) noexcept { return {key.high}; }
    SetKey key() const noexcept { return {high, 0}; }
    friend bool operator==(const NarrowSlot&, const NarrowSlot&) = default;
    friend bool operator<(const NarrowSlot& left, const NarrowSlot& right) noexcept { return left.high < right.high; }
};

struct WideSlot {
    std::uint64_t high;
    std::uint64_t low;
    static constexpr WideSlot of(const SetKey& key) noexcept { return {key.high, key.low}; }
    SetKey key() const noexcept { return {high, low}; }
    friend bool operator==(const WideSlot&, const WideSlot&) = default;
    friend bool operator<(const WideSlot& left, const WideSlot& right) noexcept {
        // as one number of 128 bits: no branch
        return (static_cast<uint128>(left.high) << 64 | left.low) < (static_cast<uint128>(right.high) << 64 | right.low);
    }
};
static_assert(sizeof(NarrowSlot) == 8 && sizeof(WideSlot) == 16);

namespace key_sort {

template <typename Slot>
void insertion_sort(Slot* keys, std::size_t count) noexcept {
    for (std::size_t i = 1; i < count; ++i) {
        const Slot key = keys[i];
        std::size_t at = i;
        for (; at > 0 && key < keys[at - 1]; --at) keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

// Sorts `from`; the result is in `to` where `into` says so, else in `from`.
template <typename Slot>
void distribute(Slot* from, Slot* to, std::size_t count, bool into) noexcept {
    constexpr std::size_t few = 24;
    std::uint64_t differing = 0;
    if (count > few)
        for (std::size_t i = 1; i < count; ++i) differing |= from[i].high ^ from[0].high;
    if (count <= few) {
        insertion_sort(from, count);
    } else if (differing == 0) {
        if (!std::all_of(from + 1, from + count, [from](const Slot& key) { return key == *from; }))
            std::sort(from, from + count);  // they differ in `low` alone
    } else {
        const int digit = count < 256 ? 5 : 8;
        const int bottom = std::max(0, static_cast<int>(std::bit_width(differing)) - digit);
        const std::uint64_t mask = (std::uint64_t{1} << digit) - 1;
        std::uint32_t ends[257] = {};
        for (std::size_t i = 0; i < count; ++i) ++ends[(from[i].high >> bottom & mask) + 1];
        for (std::size_t i = 0; i < mask; ++i) ends[i + 1] += ends[i];
        for (std::size_t i = 0; i < count; ++i) to[ends[from[i].high >> bottom & mask]++] = from[i];
        std::uint32_t start = 0;
        for (std::size_t i = 0; i <= mask; start = ends[i++]) {
            if (ends[i] != start) distribute(to + start, from + start, ends[i] - start, !into);
        }
        return;
    }
    if (into) std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(Slot));
}

}  // namespace key_sort

// Sorts `count` keys in place; `scratch` has room for as many.
template <typename Slot>
void sort_keys(Slot* keys, std::size_t count, Slot* scratch) noexcept {
    key_sort::distribute(keys, scratch, count, false);
}

// Leaves each of the sorted keys once; returns how many there are.
template <typename Slot>
std::size_t unique_keys(Slot* keys, std::size_t count) noexcept {
    if (count == 0) return 0;
    std::size_t kept = 0;
    for (std::size_t i = 1; i < count; ++i) {
        kept += keys[kept] == keys[i] ? 0 : 1;
        keys[kept] = keys[i];
    }
    return kept + 1;
}

// Leaves of the sorted, unique `keys` those that are not among the sorted, unique `others`; returns how many.
template <typename Slot>
std::size_t keys_not_among(Slot* keys, std::size_t count, const Slot* others, std::size_t other_count) noexcept {
    std::size_t kept = 0, at = 0, other = 0;
    while (at < count && other < other_count) {  // without a branch: which key is next cannot be foretold
        const Slot key = keys[at];
        const bool below = key < others[other];
        const bool above = others[other] < key;
        keys[kept] = key;
        kept += below;
        at += !above;
        other += !below;
    }
    std::memmove(static_cast<void*>(keys + kept), static_cast<const void*>(keys + at), (count - at) * sizeof(Slot));
    return kept + (count - at);
}

// Merges two sorted lists that share no key into `into`, which may begin where `left` does.
template <typename Slot>
void merge_keys(const Slot* left, std::size_t left_count, const Slot* right, std::size_t right_count, Slot* into) noexcept {
    std::size_t end = left_count + right_count;
    while (left_count > 0 && right_count > 0) {
        const Slot a = left[left_count - 1];
        const Slot b = right[right_count - 1];
        const bool a_last = b < a;
        into[--end] = a_last ? a : b;
        left_count -= a_last;
        right_count -= !a_last;
    }
    if (right_count > 0) std::memcpy(static_cast<void*>(into), static_cast<const void*>(right), right_count * sizeof(Slot));
    else if (into != left) std::memcpy(static_cast<void*>(into), static_cast<const void*>(left), left_count * sizeof(Slot));
}

}  // namespace tally
