// In which format an answer goes out: what Accept asks for of what a route offers (RFC 9110 12.5.1), and rows as CSV (RFC
// 4180) or NDJSON. Pure. Nothing of a value is decoded and encoded again but texts for CSV.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd {

enum class Format { json, csv, ndjson };

const char* media_type_of(Format format) noexcept;

struct Offer {
    bool csv = false, ndjson = false;  // JSON always
};

// accept: nullptr where there is no such header; nullopt: nothing of what is offered will do.
std::optional<Format> choose_format(const char* accept, Offer offer);

class RowWriter {
public:
    // columns: members of a row, with commas between. The one called dimensions becomes a column for each of the dimensions.
    RowWriter(Format format, std::string_view columns, const std::vector<std::string>& dimensions);

    // CSV: the line that names the columns.
    std::string header() const;

    // Appends the rows of an answer, which are its first array, and gives back its next_cursor; empty: there is none.
    // nullopt: the answer cannot be read.
    std::optional<std::string> write(const std::string& answer, std::string& out) const;

private:
    struct Column {
        std::string outer, inner;  // inner: of the object that outer is
    };

    const Format format_;
    std::vector<Column> columns_;
};

}  // namespace tallyd
