// What a file of events is, by its name and its first bytes. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/import_chunker.hpp"
#include "base/inflater.hpp"

namespace tallyd {

// By the ending, in any case, in front of .gz and .zst too; nullopt: the name does not say.
std::optional<ImportFormat> format_of_name(std::string_view name);

// What a file is compressed with, by its first bytes, where that can be read.
std::optional<Coding> coding_of_file(std::string_view begin) noexcept;

// Whether a name ends, or a file begins, as archives do that this command cannot read: zip, xz, bzip2 and others.
bool is_archive_name(std::string_view name);
bool is_archive(std::string_view begin) noexcept;

// Said behind the name of such a file.
inline constexpr const char* kArchive =
    " is compressed in a way that this command cannot read (gzip and zstd it can): unpack it first, such as with "
    "xz -dc FILE.csv.xz | tallyd import - --format csv";

}  // namespace tallyd
