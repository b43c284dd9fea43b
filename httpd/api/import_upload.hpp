// One upload to POST /api/v1/events/import: which statement comes next, and what became of the ones before.
// The first statement begins the import (or opens the one that the client names) with no line in it, so that a chunk
// always belongs to a known import and may be sent to the database again: its events carry their identity, and the
// import knows which lines it has taken. A limit of the month ends the upload at the first line that it refuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/import_chunker.hpp"
#include "base/response.hpp"

namespace tallyd {

// What an upload may hold in memory: a chunk, a record, and the statement made of them.
inline constexpr std::size_t kImportMemory = std::size_t{4} << 20;

// The format that a Content-Type names; nullopt: none that can be imported.
std::optional<ImportFormat> import_format(const char* content_type) noexcept;

class ImportUpload {
public:
    // query: parameters as JSON arrays. A refusal is kept for problem().
    ImportUpload(ImportFormat format, const std::string& query);

    const std::optional<Response>& problem() const noexcept { return problem_; }

    std::size_t feed(const char* data, std::size_t size);
    void end() { chunker_.end(); }
    bool untouched() const noexcept { return untouched_; }  // nothing was fed

    // Whether a statement must run before more can be fed; at the file's end: before the answer can be given.
    bool must_store(bool at_end) const noexcept;

    // What the next statement is to be told.
    void next(std::string& query, std::string& body);

    // Takes what the statement answered. A refusal ends the upload.
    std::optional<Response> take(Response answer);

    Response summary() const;

    // A refusal that ends the upload, with what was taken before it.
    Response with_progress(Response refusal) const;

    std::uint64_t accepted() const noexcept { return accepted_; }
    std::uint64_t unmatched() const noexcept { return unmatched_; }  // of the accepted
    std::uint64_t duplicates() const noexcept { return duplicates_; }
    std::uint64_t failed() const noexcept { return failed_; }
    std::uint64_t conflicts() const noexcept { return conflicts_; }  // of the failed

private:
    struct Failure {
        std::uint64_t line;
        std::string json;
    };

    Response limited(const std::string& reason, const std::string& details) const;
    void note(std::uint64_t line, std::string json);
    std::string counts() const;
    std::string failure_list() const;

    const ImportFormat format_;
    std::string members_;  // of the query's JSON object, in every statement
    std::string name_;     // and only in the first: the import's name
    std::optional<Response> problem_;
    ImportChunker chunker_;
    std::string import_id_;                 // empty: not begun
    std::uint64_t next_line_ = 0;           // to go on with; 0: where the upload began
    std::vector<LineFailure> in_question_;  // lines of the chunk under way that could not be read
    std::uint64_t accepted_ = 0, duplicates_ = 0, failed_ = 0, resent_ = 0, unmatched_ = 0, conflicts_ = 0;
    std::string totals_;  // of the import as a whole, a JSON object
    bool goes_on_ = false;
    bool untouched_ = true;
    std::vector<Failure> failures_;
    bool all_listed_ = true;
};

}  // namespace tallyd
