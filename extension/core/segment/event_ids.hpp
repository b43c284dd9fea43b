// A block of event ids (format.hpp): UUIDs and hashes in hexadecimal digits as 16 bytes, others as texts.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/text_arena.hpp"

namespace tally::segment_format {

// Answers whether some are texts.
bool append_event_ids(std::vector<std::byte>& out, std::span<const std::string_view> ids);

// Ids [begin, end) of a block of `count`, some of which may be texts; they lie in the arena. Throws Error(corrupted).
void read_event_ids(Bytes block, bool with_text, std::uint32_t count, std::uint32_t begin, std::uint32_t end,
                    std::string_view* ids, TextArena& arena);

}  // namespace tally::segment_format
