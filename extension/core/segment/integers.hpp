// INTEGERS of a segment (format.hpp): numbers of a block, all with one base, one common divisor and one width in bits.
//
// Decoding is what every question pays, so it is written for the compiler: 8 values of a width begin and end at whole
// bytes, and their places within are constants.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/bytes.hpp"

namespace tally::segment_format {

// Appends the values.
void append_integers(std::vector<std::byte>& out, std::span<const std::int64_t> values);
void append_integers(std::vector<std::byte>& out, std::span<const std::uint32_t> values);
void append_integers(std::vector<std::byte>& out, std::span<const std::uint8_t> values);

// INTEGERS in the bytes of a block. Every read is within them, whatever they say.
class Integers {
public:
    // Takes `count` values from the front of `rest`. Throws Error(corrupted) where they are not there.
    Integers(Bytes& rest, std::uint32_t count);

    std::uint32_t count() const noexcept { return count_; }

    // Values [begin, end), which lie within [0, count()).
    void read(std::uint32_t begin, std::uint32_t end, std::int64_t* values) const;
    std::int64_t at(std::uint32_t index) const noexcept;

    // The same for values that must be below `limit` (at most 2^32 - 1; 256 for bytes). Throws Error(corrupted) for
    // others.
    void read_below(std::uint32_t limit, std::uint32_t begin, std::uint32_t end, std::uint32_t* values) const;
    void read_below(std::uint32_t limit, std::uint32_t begin, std::uint32_t end, std::uint8_t* values) const;

    // No value lies outside of these: the least one, and what the width lets it grow to.
    std::int64_t least() const noexcept { return width_ < 64 ? static_cast<std::int64_t>(base_) : INT64_MIN; }
    std::int64_t bound() const noexcept;

    // All values are this one, which is known without reading any; meaningful where constant() only.
    bool constant() const noexcept { return width_ == 0; }
    std::int64_t constant_value() const noexcept { return static_cast<std::int64_t>(base_); }

private:
    template <typename Value>
    void read_narrow(std::uint32_t limit, std::uint32_t begin, std::uint32_t end, Value* values) const;

    unsigned width_ = 0;
    std::uint64_t base_ = 0;
    std::uint64_t divisor_ = 1;
    std::uint32_t count_ = 0;
    Bytes bits_;  // to the end of the block: what follows the values is masked away
};

}  // namespace tally::segment_format
