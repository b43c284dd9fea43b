// Rows of tally.segment: storing a finished segment, and the segments of one tenant, code and month.
//
// SPI must be connected, and the rights are those of tally_owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/segment/tier.hpp"
#include "core/segment/writer.hpp"

#include "pg/border/prelude.hpp"

namespace tally {

// Of which events a segment is.
struct SegmentKey {
    std::int32_t tenant_id = 0;
    std::string code;
    std::int32_t month = 0;  // months since January 1970

    friend auto operator<=>(const SegmentKey&, const SegmentKey&) = default;
};

// Inserts a segment and answers its number; the partition for its month must exist. `weight` is that of its events
// (event_weight).
std::int64_t insert_segment(const SegmentKey& key, const Segment& segment, std::uint64_t weight);

// Notes a segment that this transaction inserted without the lock of its pile, as ingest does. What packing has read
// under that lock may lack it, and get it a moment later. So packing leaves it alone, and life totals do not cover it,
// until packing has adopted it: takes the note away that it finds under the lock.
void note_loose(const SegmentKey& key, std::int32_t code_hash, std::int64_t segment_id);

// What a stored segment says of itself beside its data.
struct StoredSegment {
    Oid partition = InvalidOid;
    ItemPointerData place{};
    std::int64_t segment_id = 0;
    TierSegment facts;
    std::string first_customer, last_customer;
};

// The segments of a key that are committed now, or this transaction's, without loose ones.
std::vector<StoredSegment> segments_of(const SegmentKey& key);

// The data of a segment that this transaction's lock keeps in its place, detoasted, in memory of the caller's context.
Bytes segment_bytes(const StoredSegment& segment);

// Deletes exactly that row; raises 40001 if somebody else has.
void delete_segment(const StoredSegment& segment);

}  // namespace tally
