// A stored tally.segment_data as a source for the segment reader: slices of it are fetched as they are asked for.
//
// Values come in four ways. Inline ones are read where they stand; external ones, as the type's storage makes them, by
// slices of their chunks; compressed ones, inline or external, are unpacked as a whole once, because a slice of them
// would be unpacked from the start each time. Whatever is fetched lies in the memory context that was current when the
// object was made, and is freed with it: nothing is freed here, since no PostgreSQL function may be called while an
// error travels. A toast pointer is good under a live snapshot only, so the object must not outlive the one under which
// the row was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/segment/kept_segments.hpp"
#include "core/segment/source.hpp"
#include "pg/border/prelude.hpp"

namespace tally {

class PgSegmentBytes final : public SegmentBytes {
public:
    // The value must outlive the object. With the number of its segment, what is read of it is kept for the questions that
    // come after it (core/segment/kept_segments.hpp); without it everything is read from the table, as verify must.
    explicit PgSegmentBytes(Datum value, std::int64_t segment_id = 0);

    std::size_t size() override { return size_; }
    Bytes slice(std::size_t offset, std::size_t length) override;
    KeptSegment* kept() override { return kept_.get(); }

private:
    Datum value_;
    std::shared_ptr<KeptSegment> kept_;  // null where nothing is kept
    MemoryContext memory_;
    std::size_t size_ = 0;
    bool sliced_ = false;
    Bytes whole_;  // where not sliced
};

}  // namespace tally
