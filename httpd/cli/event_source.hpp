// The bytes of a file of events, or of standard input: inflated where they are gzip or zstd, by their first bytes and
// whatever the name says. Memory is bounded.
#pragma once

#include <cstdint>
#include <istream>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/inflater.hpp"

namespace tallyd {

// The file cannot be read, or not on; what() says why, and follows the file's name.
struct UnreadableFile : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class EventSource {
public:
    explicit EventSource(std::istream& from) : from_(from), raw_(std::make_unique<char[]>(kRaw)) {}

    // Up to size bytes; 0: that was all. Throws UnreadableFile.
    std::size_t read(char* data, std::size_t size);

    // Goes to a byte of what read() gives. false: there is none. Of a file, not of a pipe.
    bool seek(std::uint64_t offset);

    bool inflates() const noexcept { return inflater_ != nullptr; }
    std::uint64_t position() const noexcept { return position_; }  // in the file as it lies there

private:
    static constexpr std::size_t kRaw = std::size_t{256} << 10;
    static constexpr int kWindow = 27;  // 128 MiB: whatever zstd makes without --ultra

    bool fill();

    std::istream& from_;
    const std::unique_ptr<char[]> raw_;
    std::size_t at_ = 0, end_ = 0;  // of raw_: what was not taken yet
    std::uint64_t position_ = 0;
    bool begun_ = false;
    std::unique_ptr<Inflater> inflater_;
};

}  // namespace tallyd
