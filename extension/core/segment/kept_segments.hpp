// Headers and blocks of segments that a process has read lately and found right, so that the next question neither fetches,
// verifies nor copies them again.
//
// A segment never changes and its number is never given twice, so what was read once is right for ever: nothing is ever made
// invalid. Values that are stored again under the same number (a table that was restored) differ in `value`.
// Bounded by bytes: a hand goes round over what is kept and drops what was not used since it came by (the clock algorithm of
// page caches). What a reader holds outlives that, until the reader ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>

#include "core/segment/format.hpp"

namespace tally {

struct SegmentKey {
    std::uint64_t value = 0;  // of the table and number of the stored value
    std::int64_t segment = 0;

    friend bool operator==(const SegmentKey&, const SegmentKey&) = default;
};

class KeptSegments;

// What is kept of one segment.
class KeptSegment : public std::enable_shared_from_this<KeptSegment> {
public:
    using Block = std::shared_ptr<const std::byte[]>;
    using Header = std::shared_ptr<const segment_format::StoredHeader>;

    KeptSegment(KeptSegments& all, const SegmentKey& key) : all_(all), key_(key) {}

    // Null where it is not kept.
    Header find_header();
    Block find(std::uint32_t block);
    bool has(std::uint32_t block) const { return entries_.count(block) != 0; }

    // Only what was verified, and is not kept yet.
    void keep_header(Header header);
    void keep(std::uint32_t block, Bytes bytes);

private:
    friend class KeptSegments;
    // The header goes under a number that no block has.
    static constexpr std::uint32_t header_entry = UINT32_MAX;
    struct Entry {
        Block bytes;
        std::size_t size = 0;
        bool used = false;
    };

    KeptSegments& all_;
    SegmentKey key_;
    Header header_;
    std::unordered_map<std::uint32_t, Entry> entries_;
};

class KeptSegments {
public:
    explicit KeptSegments(std::size_t most_bytes) : most_bytes_(most_bytes) {}

    // What is kept of that segment, to look into and to add to; nothing at first.
    std::shared_ptr<KeptSegment> open(const SegmentKey& key);

    std::size_t bytes() const noexcept { return bytes_; }
    std::size_t segments() const noexcept { return segments_.size(); }

private:
    friend class KeptSegment;
    struct Hash {
        std::size_t operator()(const SegmentKey& key) const noexcept {
            return static_cast<std::size_t>((key.value ^ static_cast<std::uint64_t>(key.segment) << 20) *
                                            0x9E3779B97F4A7C15u);
        }
    };
    struct Place {
        std::shared_ptr<KeptSegment> segment;
        std::uint32_t entry;
    };

    void add(KeptSegment& segment, std::uint32_t number, KeptSegment::Entry entry);
    void make_room(std::size_t bytes);

    std::size_t most_bytes_, bytes_ = 0;
    std::unordered_map<SegmentKey, std::shared_ptr<KeptSegment>, Hash> segments_;
    std::deque<Place> ring_;  // the hand stands at the front
};

}  // namespace tally
