// Names and first bytes of files of events: see import_file.hpp.
#include "cli/import_file.hpp"

#include <filesystem>
#include <string>

namespace tallyd {

namespace {

std::string ending_of(std::string_view name) {
    std::string ending = std::filesystem::path(name).extension();
    for (char& c : ending)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return ending;
}

}  // namespace

std::optional<ImportFormat> format_of_name(std::string_view name) {
    std::string ending = ending_of(name);
    for (const std::string_view packed : {".gz", ".zst"})
        if (ending == packed) return format_of_name(name.substr(0, name.size() - packed.size()));
    if (ending == ".csv") return ImportFormat::csv;
    if (ending == ".ndjson" || ending == ".jsonl") return ImportFormat::ndjson;
    return std::nullopt;
}

std::optional<Coding> coding_of_file(std::string_view begin) noexcept {
    if (begin.starts_with("\x1F\x8B")) return Coding::gzip;
    return begin.starts_with("\x28\xB5\x2F\xFD") ? std::optional(Coding::zstd) : std::nullopt;
}

bool is_archive_name(std::string_view name) {
    const std::string ending = ending_of(name);
    for (const char* one : {".tgz", ".bz2", ".xz", ".zip", ".7z", ".lz4", ".br", ".z"})
        if (ending == one) return true;
    return false;
}

bool is_archive(std::string_view begin) noexcept {
    using namespace std::string_view_literals;
    for (const auto mark : {"PK\x03\x04"sv, "\xFD\x37zXZ\0"sv})
        if (begin.starts_with(mark)) return true;
    // BZh alone may begin a line; the number of pi after it does not.
    return begin.size() > 9 && begin.starts_with("BZh") && begin.substr(4).starts_with("\x31\x41\x59\x26\x53\x59"sv);
}

}  // namespace tallyd
