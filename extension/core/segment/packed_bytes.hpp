// PACKED bytes of a segment (format.hpp): compressed where that pays.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/bytes.hpp"

namespace tally::segment_format {

void append_packed(std::vector<std::byte>& out, Bytes bytes);

// Takes PACKED bytes from the front of `rest`. Throws Error(corrupted) where there are not exactly `size` of them.
void read_packed(Bytes& rest, std::size_t size, std::byte* bytes);

// The same, however many they are, without a copy where they are stored as they are; else they are put into `memory`. At
// most `most` may come out.
Bytes view_packed(Bytes& rest, std::size_t most, std::vector<std::byte>& memory);

}  // namespace tally::segment_format
