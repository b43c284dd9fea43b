// What a file of events is, by its name and its first bytes. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/import_chunker.hpp"

namespace tallyd {

// By the ending, in any case; nullopt: the name does not say.
std::optional<ImportFormat> format_of_name(std::string_view name);

// Whether the ending is one of files that were packed: what it says of the format is about what lies in it.
bool is_compressed_name(std::string_view name);

// Whether a file begins as no CSV and no NDJSON does: with the mark of gzip, zip, zstd, xz or bzip2.
bool is_compressed(std::string_view begin) noexcept;

// Said behind the name of such a file.
inline constexpr const char* kCompressed =
    " is compressed, which this command cannot read: unpack it first, such as with "
    "gunzip -c FILE.csv.gz | tallyd import - --format csv";

}  // namespace tallyd
