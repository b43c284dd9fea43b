// Cuts a file of events into chunks of whole records: see import_chunker.hpp.
#include "base/import_chunker.hpp"

#include <algorithm>
#include <utility>

#include "base/json_text.hpp"

namespace tallyd {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

ImportChunker::ImportChunker(ImportFormat format, ChunkLimits limits, std::uint64_t first_line, Unreadable unreadable)
    : format_(format),
      limits_(limits),
      keeps_(unreadable == Unreadable::keep),
      first_line_(first_line),
      header_known_(format == ImportFormat::ndjson),
      line_(header_known_ && first_line > 0 ? first_line : 1),
      chunk_line_(line_) {}

// Which line ends are the end of a record: as the extension's reader of CSV sees quotes, so do we.
void ImportChunker::step(char c) noexcept {
    switch (state_) {
        case State::field_start: state_ = c == '"' ? State::quoted : c == ',' ? State::field_start : State::plain; return;
        case State::plain:
            if (c == ',') state_ = State::field_start;
            return;
        case State::quoted:
            if (c == '"') state_ = State::quote_in_quoted;
            return;
        case State::quote_in_quoted:
            state_ = c == '"' ? State::quoted : c == ',' ? State::field_start : State::plain;
            return;
        case State::discarding: return;
    }
}

// How much of the text, which does not begin with it, stands before the record's end.
std::size_t ImportChunker::part_of_record(std::string_view text) noexcept {
    if (format_ == ImportFormat::ndjson || state_ == State::discarding) return std::min(text.find('\n'), text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\n') {
            if (state_ != State::quoted) return at;
            ++record_lines_;
        }
        step(text[at]);
    }
    return text.size();
}

std::size_t ImportChunker::take_part(std::string_view text) {
    if (state_ == State::discarding) return part_of_record(text);
    const std::size_t length = part_of_record(text.substr(0, limits_.record_bytes + 1 - record_.size()));
    record_.append(text.substr(0, length));
    if (record_.size() > limits_.record_bytes) {
        // What follows up to the next line end goes with it; behind that the file may be sound again.
        fail(record_lines_ == 0
                 ? "the line is too long"
                 : "a quoted field has no closing quote within " + std::to_string(limits_.record_bytes) +
                       " bytes, so this many lines after it were not read either: " + std::to_string(record_lines_));
        if (!keeps_ || !header_known_) std::string().swap(record_);
        state_ = State::discarding;
    }
    return length;
}

std::size_t ImportChunker::feed(const char* data, std::size_t size) {
    std::size_t at = 0;
    while (at < size && !full()) {
        if (data[at] == '\n' && state_ != State::quoted) {
            end_record();
            ++at;
        } else {
            at += take_part({data + at, size - at});
        }
    }
    return at;
}

void ImportChunker::end() {
    if (!record_.empty() || record_lines_ > 0 || state_ == State::discarding) end_record();
}

void ImportChunker::fail(std::string reason) {
    if (keeps_) return;
    failures_.push_back({line_, std::move(reason)});
}

void ImportChunker::end_record() {
    if (std::exchange(at_begin_, false) && record_.starts_with(kByteOrderMark)) record_.erase(0, kByteOrderMark.size());
    const std::size_t lines = record_lines_ + 1;
    if (!header_known_) {
        end_header();
    } else {
        bool sound = state_ != State::discarding || keeps_;
        if (!keeps_ && sound && (record_.find('\0') != std::string::npos || !valid_utf8(record_))) {
            fail(valid_utf8(record_) ? "the line contains a NUL byte" : "the line is not valid UTF-8");
            sound = false;
        }
        if (chunk_.empty()) chunk_line_ = line_;
        if (sound) chunk_.append(record_).append(1, '\n');
        else chunk_.append(lines, '\n');
        line_ += lines;
        ++records_;
    }
    record_.clear();
    record_lines_ = 0;
    state_ = State::field_start;
}

void ImportChunker::end_header() {
    header_known_ = true;
    header_ = record_;
    if (state_ == State::discarding) header_.clear();
    line_ = first_line_ > 0 ? first_line_ : line_ + record_lines_ + 1;
    chunk_line_ = line_;
}

std::string ImportChunker::take() {
    std::string out;
    if (format_ == ImportFormat::csv) {
        out.reserve(header_.size() + 1 + chunk_.size());
        out.append(header_).append(1, '\n').append(chunk_);
        chunk_.clear();
    } else {
        out = std::move(chunk_);
        chunk_.clear();
    }
    records_ = 0;
    chunk_line_ = line_;
    return out;
}

std::vector<LineFailure> ImportChunker::take_failures() {
    return std::exchange(failures_, {});
}

}  // namespace tallyd
