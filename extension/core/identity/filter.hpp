// Filters of a run of sealed identities: tell of nearly every key that is not there that it is not, by looking at one part.
//
// A filter is a Bloom filter (Bloom 1970; split into independent parts as in Putze, Sanders, Singler 2007) of filter_bytes
// for the keys of one part of the key space, at most about 12 bits a key: 7 probes, of which 0.3 % of foreign keys pass. The
// probes come from the second half of the key, the part from the first, so they are independent. Little-endian:
//   byte 0 version (1), bytes 1-3 zero, bytes 4-7 CRC-32C of the rest, then the bits; bit b is bit b % 8 of byte 8 + b / 8.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/base/bytes.hpp"
#include "core/base/hash128.hpp"

namespace tally {

inline constexpr std::size_t filter_bytes = 7936;  // a row of one page of PostgreSQL
inline constexpr std::size_t filter_header_bytes = 8;
inline constexpr std::uint32_t filter_bits = (filter_bytes - filter_header_bytes) * 8;
inline constexpr std::uint32_t filter_bits_per_key = 12;

// Collects keys of one part.
class FilterBuilder {
public:
    FilterBuilder();
    void add(const Hash128& key) noexcept;
    // The finished filter; the builder is empty again.
    std::string take();

private:
    std::string bytes_;
};

// Whether the filter is whole. Looking at all of its bytes at each question would cost more than the question, so a reader
// checks a filter when it first meets it. Throws Error(corrupted).
void check_filter(Bytes filter);

// False: the key is surely not in the part. `filter` has filter_bytes bytes.
bool may_hold(Bytes filter, const Hash128& key) noexcept;

}  // namespace tally
