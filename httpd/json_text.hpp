// JSON as text: quoting of strings, and the counts that an ingest answer carries. No document is ever re-encoded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tallyd {

// Appends text as a JSON string with its quotes; bytes that are no valid UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

bool valid_utf8(std::string_view text) noexcept;

struct IngestCounts {
    std::uint64_t accepted = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t failures = 0;
};

// Reads "accepted", "duplicates" and the length of "failures" from the top level of a well-formed ingest answer.
IngestCounts ingest_counts(std::string_view answer) noexcept;

}  // namespace tallyd
