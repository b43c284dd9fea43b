// A piece of an import: its lines as one batch, and what became of each line.
//
// An import's counts add up to the lines of its file, however often a piece must be sent until its sender knows of its
// answer: lines that were counted when they came first are `resent` and not counted again. From the first line on that a
// limit of the month refuses, the piece counts as not sent.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/event/import_lines.hpp"
#include "core/ingest/ingest_batch.hpp"

namespace tally {

inline constexpr std::size_t max_piece_events = 10'000;

struct ImportReport {
    std::int64_t accepted = 0;
    std::int64_t duplicates = 0;
    std::int64_t failed = 0;
    std::int64_t resent = 0;
    std::int64_t unmatched = 0;  // of the accepted: no metric in use reads their code
    std::int64_t next_line = 0;
    std::string failures;                 // JSON array of {"line", "event_id"?, "reason", "field"?} in order
    const BatchEvent* limited = nullptr;  // the first event that a limit refuses
};

// Adds the lines that are events to a batch, so that the n-th event of the batch is that of the n-th such line: as one body
// where they are JSON all together, else each alone. Throws Error(limit_exceeded).
void add_lines(IngestBatch& batch, const ImportPiece& piece);

// What the sender of a piece says about it, and what is known of the import.
struct PieceContext {
    std::int64_t first_line = 0;
    std::span<const std::int64_t> unread;                            // lines that the sender could not read, ascending
    std::span<const std::pair<std::int64_t, std::int64_t>> counted;  // ranges of lines [from, to) that were counted before
};

// After the batch of add_lines was judged and stored.
ImportReport report(const IngestBatch& batch, const ImportPiece& piece, const PieceContext& context);

}  // namespace tally
