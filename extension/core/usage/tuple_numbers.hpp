// Tuples of numbers by number: each different tuple of one fixed width once, numbered from 0 in the order in which they
// came.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tally {

class TupleNumbers {
public:
    explicit TupleNumbers(std::size_t width);

    std::uint32_t number_of(std::span<const std::uint32_t> tuple);  // a new number for a new tuple
    std::uint32_t size() const noexcept { return count_; }
    std::span<const std::uint32_t> tuple(std::uint32_t number) const noexcept {
        return {values_.data() + number * width_, width_};
    }
    std::size_t bytes() const noexcept { return (values_.capacity() + table_.size()) * sizeof(std::uint32_t); }

private:
    std::size_t slot_of(std::span<const std::uint32_t> tuple) const noexcept;
    void grow();

    std::size_t width_;
    std::uint32_t count_ = 0;
    std::vector<std::uint32_t> values_;  // by number
    std::vector<std::uint32_t> table_;   // open addressing, at most half full; number + 1, 0 = free
};

}  // namespace tally
