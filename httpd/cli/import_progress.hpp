// How far `tallyd import` has come: on the terminal, and in the file that lets the next run go on after a cut.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace tallyd {

// What was acknowledged. The file beside the imported one holds it; it is replaced in one step after each piece.
struct ImportState {
    std::string url, import_id;
    std::uint64_t size = 0, modified = 0;  // of the imported file: where they differ it is another file
    std::uint64_t header_bytes = 0, offset = 0, line = 0;
    std::uint64_t accepted = 0, duplicates = 0, failed = 0;
};

// false: there is none, or it cannot be read.
bool read_state(const std::string& path, ImportState& state);
// Empty: written.
std::string write_state(const std::string& path, const ImportState& state);

// "1:02:03", "0:07"
std::string clock_text(double seconds);

class Progress {
public:
    // total: bytes of the file, 0 where nobody knows. at: where this run begins.
    Progress(std::string title, std::uint64_t total, std::uint64_t at, bool terminal);

    // A bar that is written over on a terminal, else a line every few seconds.
    void show(std::uint64_t at, std::uint64_t lines);
    void clear();  // the bar, before something else is printed

    // What show() prints, for a given time since the begin.
    std::string text(std::uint64_t at, std::uint64_t lines, double seconds) const;

private:
    using Clock = std::chrono::steady_clock;

    const std::string title_;
    const std::uint64_t total_, begin_;
    const bool terminal_;
    const Clock::time_point started_ = Clock::now();
    Clock::time_point shown_ = Clock::now();
    bool visible_ = false;
};

}  // namespace tallyd
