// Cuts a file of events, as its bytes come in, into chunks of whole records: lines of NDJSON, or records of CSV, whose
// quoted fields may hold line ends. Memory is bounded by one chunk and one record.
// Invariants: a chunk ends where a record ends; whatever is taken out (a record too long, or no valid UTF-8, or with a
// NUL byte) leaves as many line ends behind, which are skipped as blank lines: so lines keep their numbers. Who only
// passes a file on keeps such records instead, one too long cut where it was found out: the next reader cuts it there
// too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd {

enum class ImportFormat { ndjson, csv };

struct ChunkLimits {
    std::size_t records = 1000;
    std::size_t bytes = std::size_t{1} << 20;
    std::size_t record_bytes = std::size_t{1} << 20;
};

enum class Unreadable { take_out, keep };

struct LineFailure {
    std::uint64_t line = 0;
    std::string reason;
};

class ImportChunker {
public:
    // first_line: number of the first line after the header, where it is not the file's own; 0: count the header too.
    ImportChunker(ImportFormat format, ChunkLimits limits, std::uint64_t first_line,
                  Unreadable unreadable = Unreadable::take_out);

    // Takes bytes up to the end of the record that fills the chunk, and says how many those were.
    std::size_t feed(const char* data, std::size_t size);

    // The file ends here: what stands after its last line end is a record too.
    void end();

    bool full() const noexcept { return records_ >= limits_.records || chunk_.size() >= limits_.bytes; }
    bool empty() const noexcept { return chunk_.empty(); }

    // CSV: the first record is whole; NDJSON: always.
    bool header_known() const noexcept { return header_known_; }
    const std::string& header() const noexcept { return header_; }

    // The chunk, with the header before it; the next one begins.
    std::string take();
    std::uint64_t first_line_of_chunk() const noexcept { return chunk_line_; }
    std::uint64_t next_line() const noexcept { return line_; }
    std::vector<LineFailure> take_failures();

private:
    enum class State { field_start, plain, quoted, quote_in_quoted, discarding };

    void step(char c) noexcept;
    std::size_t part_of_record(std::string_view text) noexcept;
    std::size_t take_part(std::string_view text);
    void end_record();
    void end_header();
    void fail(std::string reason);

    const ImportFormat format_;
    const ChunkLimits limits_;
    const bool keeps_;  // what cannot be read
    std::uint64_t first_line_;
    State state_ = State::field_start;
    bool header_known_;
    bool at_begin_ = true;
    std::string header_;
    std::string record_;
    std::size_t record_lines_ = 0;  // line ends inside the record so far
    std::string chunk_;
    std::size_t records_ = 0;
    std::uint64_t line_ = 1;        // of the record that comes next
    std::uint64_t chunk_line_ = 1;  // of the chunk's first record
    std::vector<LineFailure> failures_;
};

}  // namespace tallyd
