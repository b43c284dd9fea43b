// Tuples hold numbers that we gave ourselves, so their hash needs no secret.
#include "core/usage/tuple_numbers.hpp"

#include <algorithm>

#include "core/distinct/set_key.hpp"

namespace tally {
namespace {

constexpr std::size_t first_slots = 16;

std::uint64_t hash_of(std::span<const std::uint32_t> tuple) noexcept {
    std::uint64_t hash = 0;
    for (const std::uint32_t value : tuple) hash = mix64(hash ^ value);
    return hash;
}

}  // namespace

TupleNumbers::TupleNumbers(std::size_t width) : width_(width), table_(first_slots) {}

std::size_t TupleNumbers::slot_of(std::span<const std::uint32_t> tuple) const noexcept {
    const std::size_t mask = table_.size() - 1;
    std::size_t slot = hash_of(tuple) & mask;
    while (table_[slot] != 0 && !std::equal(tuple.begin(), tuple.end(), this->tuple(table_[slot] - 1).begin()))
        slot = (slot + 1) & mask;
    return slot;
}

std::uint32_t TupleNumbers::number_of(std::span<const std::uint32_t> tuple) {
    std::size_t slot = slot_of(tuple);
    if (table_[slot] != 0) return table_[slot] - 1;
    if (2 * (std::size_t{count_} + 1) > table_.size()) {
        grow();
        slot = slot_of(tuple);
    }
    values_.insert(values_.end(), tuple.begin(), tuple.end());
    table_[slot] = ++count_;
    return count_ - 1;
}

void TupleNumbers::grow() {
    std::vector<std::uint32_t> larger(2 * table_.size());
    for (std::uint32_t number = 0; number < count_; ++number) {
        std::size_t slot = hash_of(tuple(number)) & (larger.size() - 1);
        while (larger[slot] != 0) slot = (slot + 1) & (larger.size() - 1);
        larger[slot] = number + 1;
    }
    table_ = std::move(larger);
}

}  // namespace tally
