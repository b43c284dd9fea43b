// Where a segment's bytes come from: memory here, slices of a stored value in pg/segment.
#pragma once

#include <cstddef>

#include "core/base/bytes.hpp"

namespace tally {

class KeptSegment;

class SegmentBytes {
public:
    SegmentBytes() = default;
    SegmentBytes(const SegmentBytes&) = delete;
    SegmentBytes& operator=(const SegmentBytes&) = delete;
    virtual ~SegmentBytes() = default;

    // How many bytes the segment has.
    virtual std::size_t size() = 0;

    // Exactly the bytes [offset, offset + length), which the reader asks for within size() only and not twice. They
    // stay where they are while the source lives. Throws Error(corrupted) where fewer come back.
    virtual Bytes slice(std::size_t offset, std::size_t length) = 0;

    // What earlier questions have left of this segment, and this one may add to; nullptr where nothing is kept.
    virtual KeptSegment* kept() { return nullptr; }
};

// A segment that lies in memory as a whole; the bytes must outlive it.
class SegmentInMemory final : public SegmentBytes {
public:
    explicit SegmentInMemory(Bytes bytes) noexcept : bytes_(bytes) {}
    std::size_t size() override { return bytes_.size(); }
    Bytes slice(std::size_t offset, std::size_t length) override { return bytes_.subspan(offset, length); }

private:
    Bytes bytes_;
};

}  // namespace tally
